//! `CREATE CONNECTION` and `DROP CONNECTION`.

use std::collections::BTreeMap;

use brickyard_sql::command::{ConnectionOption, CreateConnection};

use crate::catalog::NewConnection;
use crate::error::ApiError;
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

pub(super) fn create(scene: &Scene<'_>, create: &CreateConnection) -> Result<Outcome, Fault> {
    let [name] = &create.name.values()[..] else {
        return Err(ApiError::invalid("The name of a connection has one part").into());
    };
    let mut options = BTreeMap::new();
    for (key, value) in &create.options {
        let value = match value {
            ConnectionOption::Text(text) => text.clone(),
            ConnectionOption::Secret { scope, key } => {
                scene.workspace.authorize_scope(&scene.session.caller, scope, "READ")?;
                let secret = scene.workspace.secret(scope, key)?;
                secret.expose_text().unwrap_or_default().to_owned()
            }
        };
        options.insert(key.clone(), value);
    }
    let connection = NewConnection {
        name: name.clone(),
        connection_type: create.connection_type.clone(),
        options,
        comment: create.comment.clone(),
        ..NewConnection::default()
    };
    let made = scene.workspace.make_connection(&scene.identity, connection, BTreeMap::new());
    match made {
        Err(error) if create.if_not_exists && error.code.contains("ALREADY_EXISTS") => Ok(Outcome::nothing()),
        made => Ok(made.map(|_| Outcome::nothing())?),
    }
}

pub(super) fn drop(scene: &Scene<'_>, parts: &[String]) -> Result<(), Fault> {
    let dropped = scene.catalog().drop_connection(&scene.identity, &full_name(parts))?;
    Ok(scene.workspace.forget_connection_secrets(&dropped.id)?)
}
