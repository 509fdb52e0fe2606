use std::collections::BTreeMap;

use brickyard_sql::command::CreateCatalog;

use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

pub(super) fn create(scene: &Scene<'_>, create: &CreateCatalog) -> Result<Outcome, Fault> {
    if create.location.is_some() {
        return Err(Fault::unsupported("MANAGED LOCATION of a catalog", "Leave MANAGED LOCATION out"));
    }
    let name = create.name.values().join(".");
    let made =
        scene.catalog().create_catalog(&scene.identity, &name, create.comment.clone(), BTreeMap::new());
    super::tables::unless_there(made.map(|_| ()), create.if_not_exists)
}

pub(super) fn drop(scene: &Scene<'_>, parts: &[String], cascade: bool) -> Result<(), Fault> {
    Ok(scene.catalog().drop_catalog(&scene.identity, &full_name(parts), cascade)?)
}
