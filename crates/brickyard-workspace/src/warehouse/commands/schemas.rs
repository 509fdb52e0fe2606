use brickyard_sql::command::CreateSchema;

use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

pub(super) fn create(scene: &Scene<'_>, create: &CreateSchema) -> Result<Outcome, Fault> {
    if create.location.is_some() {
        return Err(Fault::unsupported("MANAGED LOCATION of a schema", "Leave MANAGED LOCATION out"));
    }
    let full = full_name(&scene.schema_parts(&create.name.values())?);
    let properties = create.properties.iter().cloned().collect();
    let made = scene.catalog().create_schema(&scene.identity, &full, create.comment.clone(), properties);
    super::tables::unless_there(made.map(|_| ()), create.if_not_exists)
}

pub(super) fn drop(scene: &Scene<'_>, parts: &[String], cascade: bool) -> Result<(), Fault> {
    let full = full_name(&scene.schema_parts(parts)?);
    Ok(scene.catalog().drop_schema(&scene.identity, &full, cascade)?)
}
