//! `SHOW …`.

mod drivers;

use arrow_schema::DataType::{Boolean, Int32, Utf8};
use brickyard_sql::command::{Scope, Show};
use brickyard_sql::{Name, Securable};

use super::grants;
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Grid, moment};
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::pattern::Shown;
use crate::warehouse::scene::Scene;

pub(super) fn show(scene: &Scene<'_>, show: &Show) -> Result<Outcome, Fault> {
    let (catalog, identity) = (scene.catalog(), &scene.identity);
    let shown = |pattern: &Option<String>| Shown::new(pattern.as_deref());
    match show {
        Show::Catalogs { pattern } => {
            let wanted = shown(pattern);
            let mut grid = Grid::texts(&["catalog"]);
            for record in
                catalog.list_catalogs(identity)?.into_iter().filter(|record| wanted.fits(&record.name))
            {
                grid.row([record.name.into()]);
            }
            grid.outcome()
        }
        Show::Schemas { scope, pattern } => {
            let wanted = shown(pattern);
            let mut grid = Grid::texts(&["databaseName"]);
            let from = match scope {
                Scope::Name(name) | Scope::Catalog(name) => full_name(&name.values()),
                Scope::Current => full_name(&[&scene.settings().catalog]),
                Scope::AllCatalogs => return drivers::schemas(scene, &shown(pattern)),
            };
            for record in
                catalog.list_schemas(identity, &from)?.into_iter().filter(|record| wanted.fits(&record.name))
            {
                grid.row([record.name.into()]);
            }
            grid.outcome()
        }
        Show::Tables { scope: scope @ (Scope::Catalog(_) | Scope::AllCatalogs), schema_pattern, pattern } => {
            drivers::tables(scene, scope, &shown(schema_pattern), &shown(pattern))
        }
        Show::Tables { scope, pattern, .. } => {
            let wanted = shown(pattern);
            let schema = schema_of(scene, scope)?;
            let mut grid = Grid::new(vec![("database", Utf8), ("tableName", Utf8), ("isTemporary", Boolean)]);
            for record in catalog
                .list_tables(identity, &full_name(&schema))?
                .into_iter()
                .filter(|record| wanted.fits(&record.name))
            {
                grid.row([record.schema.into(), record.name.into(), false.into()]);
            }
            for name in scene.settings().temporaries().into_iter().filter(|name| wanted.fits(name)) {
                grid.row(["".into(), name.into(), true.into()]);
            }
            grid.outcome()
        }
        Show::Views { scope, pattern } => {
            let wanted = shown(pattern);
            let schema = schema_of(scene, scope)?;
            let mut grid = Grid::new(vec![
                ("namespace", Utf8),
                ("viewName", Utf8),
                ("isTemporary", Boolean),
                ("isMaterialized", Boolean),
            ]);
            let views = catalog
                .list_tables(identity, &full_name(&schema))?
                .into_iter()
                .filter(|record| record.is_view() || record.is_materialized());
            for record in views.filter(|record| wanted.fits(&record.name)) {
                let materialized = record.is_materialized();
                grid.row([record.schema.into(), record.name.into(), false.into(), materialized.into()]);
            }
            for name in scene.settings().temporaries().into_iter().filter(|name| wanted.fits(name)) {
                grid.row(["".into(), name.into(), true.into(), false.into()]);
            }
            grid.outcome()
        }
        Show::Columns { table } => {
            let mut grid = Grid::texts(&["col_name"]);
            for column in catalog.columns(&scene.table(&table.values())?)? {
                grid.row([column.name.into()]);
            }
            grid.outcome()
        }
        Show::ColumnsIn { scope, schema_pattern, table_pattern, pattern } => {
            drivers::columns(scene, scope, &shown(schema_pattern), &shown(table_pattern), &shown(pattern))
        }
        Show::FunctionsIn { scope, schema_pattern, pattern } => {
            drivers::functions(scene, scope, &shown(schema_pattern), &shown(pattern))
        }
        Show::KeysIn(table) => drivers::primary_keys(scene, table),
        Show::ForeignKeysIn(table) => drivers::foreign_keys(scene, table),
        Show::Functions { kind, scope, pattern } => {
            let wanted = shown(pattern);
            let schema = schema_of(scene, scope)?;
            let mut grid = Grid::texts(&["function"]);
            if !kind.eq_ignore_ascii_case("USER") {
                for name in brickyard_sql::builtins().filter(|name| wanted.fits(name)) {
                    grid.row([name.into()]);
                }
            }
            if kind.eq_ignore_ascii_case("SYSTEM") {
                return grid.outcome();
            }
            for record in catalog.list_functions(identity, &full_name(&schema))? {
                if wanted.fits(&record.name) {
                    grid.row([record.full_name().into()]);
                }
            }
            grid.outcome()
        }
        Show::Volumes { scope, pattern } => {
            let wanted = shown(pattern);
            let schema = schema_of(scene, scope)?;
            let mut grid = Grid::texts(&["database", "volume_name"]);
            for record in catalog.list_volumes(identity, &full_name(&schema))? {
                if wanted.fits(&record.name) {
                    grid.row([record.schema.into(), record.name.into()]);
                }
            }
            grid.outcome()
        }
        Show::Grants { principal, on } => grants::show(scene, principal.as_ref(), on.as_ref()),
        Show::Properties { table, key } => {
            let mut grid = Grid::texts(&["key", "value"]);
            let record = scene.table(&table.values())?;
            for (name, value) in catalog.properties(&record)? {
                if key.as_ref().is_none_or(|key| *key == name) {
                    grid.row([name.into(), value.into()]);
                }
            }
            grid.outcome()
        }
        Show::CreateTable(name) => {
            let record = scene.table(&name.values())?;
            let mut grid = Grid::texts(&["createtab_stmt"]);
            grid.row([super::describe::create_statement(scene, &record)?.into()]);
            grid.outcome()
        }
        Show::Partitions(table) => {
            let record = scene.table(&table.values())?;
            let columns = catalog.partition_columns(&record)?;
            if columns.is_empty() {
                return Err(Fault::new(
                    "INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY",
                    "42601",
                    format_args!(
                        "Table {} is not partitioned.",
                        full_name(&[&record.catalog, &record.schema, &record.name])
                    ),
                ));
            }
            let physical = catalog.physical_columns(&record)?;
            let mut grid = Grid::texts(&columns.iter().map(String::as_str).collect::<Vec<_>>());
            for values in catalog.partitions(&record)? {
                grid.row(columns.iter().map(|column| {
                    let own = physical.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
                    let own = own.map_or(column, |(_, physical)| physical);
                    values.get(own).cloned().flatten().into()
                }));
            }
            grid.outcome()
        }
        Show::CurrentSchema => {
            let mut grid = Grid::texts(&["catalog", "namespace"]);
            let settings = scene.settings();
            grid.row([settings.catalog.into(), settings.schema.into()]);
            grid.outcome()
        }
        Show::Groups { pattern } => {
            let wanted = shown(pattern);
            let mut grid = Grid::new(vec![("name", Utf8), ("directGroup", Boolean)]);
            let groups = scene.workspace.directory().groups().map_err(Fault::internal)?;
            for group in groups.into_iter().filter(|group| wanted.fits(&group.display_name)) {
                grid.row([group.display_name.into(), false.into()]);
            }
            grid.outcome()
        }
        Show::Users { pattern } => {
            let wanted = shown(pattern);
            let mut grid = Grid::texts(&["name"]);
            let users = scene.workspace.directory().users().map_err(Fault::internal)?;
            for user in users.into_iter().filter(|user| wanted.fits(&user.user_name)) {
                grid.row([user.user_name.into()]);
            }
            grid.outcome()
        }
        Show::TableExtended { scope, pattern } => {
            let wanted = Shown::new(Some(pattern));
            let schema = schema_of(scene, scope)?;
            let mut grid = Grid::new(vec![
                ("database", Utf8),
                ("tableName", Utf8),
                ("isTemporary", Boolean),
                ("information", Utf8),
            ]);
            for record in catalog.list_tables(identity, &full_name(&schema))? {
                if wanted.fits(&record.name) {
                    let information = super::describe::information(scene, &record)?;
                    grid.row([record.schema.into(), record.name.into(), false.into(), information.into()]);
                }
            }
            grid.outcome()
        }
        Show::TablesDropped { scope } => {
            let schema = schema_of(scene, scope)?;
            let mut grid = Grid::new(vec![
                ("catalogName", Utf8),
                ("schemaName", Utf8),
                ("tableName", Utf8),
                ("tableId", Utf8),
                ("tableType", Utf8),
                ("deletedAt", moment()),
                ("createdAt", moment()),
                ("updatedAt", moment()),
                ("createdBy", Utf8),
                ("owner", Utf8),
                ("comment", Utf8),
            ]);
            for dropped in catalog.dropped_tables(identity, &full_name(&schema))? {
                let record = dropped.record;
                grid.row([
                    record.catalog.into(),
                    record.schema.into(),
                    record.name.into(),
                    record.id.into(),
                    record.table_type.code().into(),
                    (dropped.at * 1000).into(),
                    (record.stamp.created_at * 1000).into(),
                    (record.stamp.updated_at * 1000).into(),
                    record.stamp.created_by.into(),
                    record.stamp.owner.into(),
                    record.stamp.comment.into(),
                ]);
            }
            grid.outcome()
        }
        Show::Tags { kind, name } => tags(scene, *kind, name),
        Show::Keys(table) => {
            let record = scene.table(&table.values())?;
            let mut grid = Grid::new(vec![("col_name", Utf8), ("constraint_name", Utf8), ("key_seq", Int32)]);
            for key in record.constraints.iter().filter(|key| key.references.is_none()) {
                for (position, column) in (1_i32..).zip(&key.columns) {
                    grid.row([column.clone().into(), key.name.clone().into(), position.into()]);
                }
            }
            grid.outcome()
        }
        Show::Other(words) if words == "PROCEDURES" => {
            let settings = scene.settings();
            let schema = full_name(&[&settings.catalog, &settings.schema]);
            let mut grid = Grid::texts(&["catalog", "namespace", "schema", "procedure_name"]);
            for record in catalog.list_routines(identity, &schema)? {
                if record.modes.is_some() {
                    let names = [&record.catalog, &record.schema, &record.schema, &record.name];
                    grid.row(names.map(|name| name.as_str().into()));
                }
            }
            grid.outcome()
        }
        // What a workspace without cloud storage, sharing and federation has: none.
        Show::Other(words) => {
            let columns: &[&str] = match words.as_str() {
                "EXTERNAL LOCATIONS" | "LOCATIONS" => &["name", "url", "comment"],
                "STORAGE CREDENTIALS" | "CREDENTIALS" | "SERVICE CREDENTIALS" => &["name", "comment"],
                "CONNECTIONS" => &["name", "type", "comment"],
                "SHARES" => &["name", "created_at", "created_by", "comment"],
                "RECIPIENTS" => &["name", "created_at", "created_by", "authentication_type", "comment"],
                "PROVIDERS" => &["name", "authentication_type", "comment"],
                words => return Err(Fault::unsupported(format_args!("SHOW {words}"), super::ELSEWHERE)),
            };
            Grid::texts(columns).outcome()
        }
    }
}

/// `SHOW TAGS ON kind name`.
fn tags(scene: &Scene<'_>, kind: Securable, name: &Name) -> Result<Outcome, Fault> {
    let (catalog, identity, mut parts) = (scene.catalog(), &scene.identity, name.values());
    let mut grid = Grid::texts(&["tag_name", "tag_value"]);
    let tags = match kind {
        Securable::Catalog => catalog.get_catalog(identity, &full_name(&parts))?.stamp.tags,
        Securable::Schema => {
            catalog.get_schema(identity, &full_name(&scene.schema_parts(&parts)?))?.stamp.tags
        }
        Securable::Volume => catalog.get_volume(identity, &full_name(&scene.parts(&parts)?))?.stamp.tags,
        Securable::Function | Securable::Procedure => {
            catalog.get_function(identity, &full_name(&scene.parts(&parts)?))?.stamp.tags
        }
        Securable::Column => {
            let column = parts.pop().unwrap_or_default().to_lowercase();
            scene.table(&parts)?.column_tags.get(&column).cloned().unwrap_or_default()
        }
        Securable::Table | Securable::View | Securable::MaterializedView | Securable::StreamingTable => {
            scene.table(&parts)?.stamp.tags
        }
        other => {
            return Err(Fault::unsupported(format_args!("SHOW TAGS ON {}", other.words()), super::ELSEWHERE));
        }
    };
    for (tag, value) in tags {
        grid.row([tag.into(), value.into()]);
    }
    grid.outcome()
}

fn schema_of(scene: &Scene<'_>, scope: &Scope) -> Result<[String; 2], Fault> {
    if let Scope::Name(name) = scope {
        return scene.schema_parts(&name.values());
    }
    let settings = scene.settings();
    Ok([settings.catalog, settings.schema])
}
