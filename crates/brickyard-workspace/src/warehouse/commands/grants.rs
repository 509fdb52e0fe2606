//! `GRANT`, `REVOKE`, `SHOW GRANTS`.

use brickyard_sql::command::{Grant, GrantAction};
use brickyard_sql::{Name, Securable};

use crate::catalog::{GrantChange, Kind, Privilege};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::Grid;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

pub(super) fn change(scene: &Scene<'_>, grant: &Grant) -> Result<Outcome, Fault> {
    let (kind, full) = securable(scene, grant.kind, grant.name.as_ref())?;
    let privileges = grant.privileges.iter().map(|text| {
        Privilege::parse(text).ok_or_else(|| {
            Fault::new(
                "PRIVILEGE_NOT_APPLICABLE",
                "42601",
                format_args!("Privilege {text} is not applicable to this entity [{}].", kind.label()),
            )
        })
    });
    let privileges = privileges.collect::<Result<Vec<_>, _>>()?;
    let mut change = GrantChange { principal: grant.principal.clone(), add: Vec::new(), remove: Vec::new() };
    match grant.action {
        GrantAction::Grant => change.add = privileges,
        GrantAction::Revoke => change.remove = privileges,
        GrantAction::Deny => {
            return Err(Fault::new(
                "UC_COMMAND_NOT_SUPPORTED.WITHOUT_RECOMMENDATION",
                "0AKUC",
                "The command(s): DENY are not supported in Unity Catalog.",
            ));
        }
    }
    scene.catalog().change_grants(&scene.identity, kind, &full, &[change])?;
    Ok(Outcome::nothing())
}

pub(super) fn show(
    scene: &Scene<'_>,
    principal: Option<&String>,
    on: Option<&(Securable, Option<Name>)>,
) -> Result<Outcome, Fault> {
    let mut grid = Grid::texts(&["Principal", "ActionType", "ObjectType", "ObjectKey"]);
    let Some((kind, name)) = on else {
        return Err(Fault::unsupported("SHOW GRANTS without ON", "Say on what: SHOW GRANTS ON TABLE name"));
    };
    let (kind, full) = securable(scene, *kind, name.as_ref())?;
    let is_wanted = |holder: &str| principal.is_none_or(|wanted| wanted.eq_ignore_ascii_case(holder));
    for (assignment, from, key) in scene.catalog().effective_grants(&scene.identity, kind, &full)? {
        if !is_wanted(&assignment.principal) {
            continue;
        }
        for privilege in assignment.privileges {
            grid.row([
                assignment.principal.clone().into(),
                privilege.code().replace('_', " ").into(),
                from.code().into(),
                key.clone().into(),
            ]);
        }
    }
    grid.outcome()
}

/// Kind and full name of what a grant is on.
pub(super) fn securable(
    scene: &Scene<'_>,
    kind: Securable,
    name: Option<&Name>,
) -> Result<(Kind, String), Fault> {
    let found = match kind {
        Securable::Metastore => return Ok((Kind::Metastore, String::new())),
        Securable::Catalog => Kind::Catalog,
        Securable::Schema => Kind::Schema,
        Securable::Table | Securable::View | Securable::MaterializedView | Securable::StreamingTable => {
            Kind::Table
        }
        Securable::Function | Securable::Procedure => Kind::Function,
        Securable::Volume => Kind::Volume,
        other => {
            return Err(Fault::unsupported(
                format_args!("privileges on {}", other.words()),
                super::ELSEWHERE,
            ));
        }
    };
    let parts = name.map(Name::values).unwrap_or_default();
    let full = match found {
        Kind::Catalog => full_name(&parts),
        Kind::Schema => full_name(&scene.schema_parts(&parts)?),
        _ => full_name(&scene.parts(&parts)?),
    };
    Ok((found, full))
}
