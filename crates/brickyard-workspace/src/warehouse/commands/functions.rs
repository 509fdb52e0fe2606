use brickyard_sql::command::{ColumnDefinition, CreateFunction, RoutineBody};

use crate::catalog::{NewFunction, Parameter};
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

pub(super) fn create(scene: &Scene<'_>, create: &CreateFunction) -> Result<Outcome, Fault> {
    if create.temporary {
        return Err(Fault::unsupported("temporary functions"));
    }
    let parameters = |columns: &[ColumnDefinition]| -> Vec<Parameter> {
        let parameter = |column: &ColumnDefinition| Parameter {
            name: column.name.clone(),
            type_text: column.data_type.to_string(),
            default: column.default.clone(),
            comment: column.comment.clone(),
        };
        columns.iter().map(parameter).collect()
    };
    let (language, body, is_query) = match &create.body {
        RoutineBody::Expression(text) => ("SQL", text, false),
        RoutineBody::Query(text) => ("SQL", text, true),
        RoutineBody::Python { .. } => return Err(Fault::unsupported("functions written in Python")),
    };
    let is_table = create.returns_table.is_some() || (is_query && create.returns.is_none());
    let return_type = match &create.returns {
        _ if is_table => "TABLE_TYPE".to_owned(),
        Some(data_type) => data_type.to_string(),
        None => return Err(Fault::unsupported("functions without RETURNS")),
    };
    let settings = scene.settings();
    let function = NewFunction {
        full_name: full_name(&scene.parts(&create.name.values())?),
        parameters: parameters(&create.parameters),
        return_type,
        return_columns: parameters(create.returns_table.as_deref().unwrap_or_default()),
        language: language.to_owned(),
        body: body.clone(),
        deterministic: create.deterministic.unwrap_or(true),
        context: Some((settings.catalog, settings.schema)),
        comment: create.comment.clone(),
        properties: None,
        replace: create.or_replace,
    };
    let made = scene.catalog().create_function(&scene.identity, function);
    super::tables::unless_there(made.map(|_| ()), create.if_not_exists)
}

pub(super) fn drop(scene: &Scene<'_>, parts: &[String], temporary: bool) -> Result<(), Fault> {
    if temporary {
        return Err(Fault::unsupported("temporary functions"));
    }
    Ok(scene.catalog().drop_function(&scene.identity, &full_name(&scene.parts(parts)?))?)
}
