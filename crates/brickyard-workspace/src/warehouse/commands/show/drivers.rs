//! The questions by which drivers read the catalog over the Statement Execution API: whole catalogs, with patterns.
//!
//! The columns are those that the open JDBC driver and the ADBC drivers read by name.

use arrow_schema::DataType::{Boolean, Int32, Utf8};
use brickyard_sql::Name;
use brickyard_sql::command::Scope;

use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Cell, Grid};
use crate::warehouse::listing::{self, TableRow};
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::pattern::Shown;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::scene::Scene;

/// `SHOW SCHEMAS IN ALL CATALOGS [LIKE 'p']`.
pub(super) fn schemas(scene: &Scene<'_>, wanted: &Shown) -> Result<Outcome, Fault> {
    let mut grid = Grid::texts(&["databaseName", "catalog"]);
    for row in listing::of(scene.workspace, &scene.session.caller).schemas()? {
        if wanted.fits(&row.name) {
            grid.row([row.name.into(), row.catalog.into()]);
        }
    }
    grid.outcome()
}

/// `SHOW TABLES IN CATALOG c [SCHEMA LIKE 'p'] [LIKE 'p']`.
pub(super) fn tables(
    scene: &Scene<'_>,
    scope: &Scope,
    schemas: &Shown,
    tables: &Shown,
) -> Result<Outcome, Fault> {
    let mut grid = Grid::new(vec![
        ("namespace", Utf8),
        ("tableName", Utf8),
        ("isTemporary", Boolean),
        ("information", Utf8),
        ("catalogName", Utf8),
        ("tableType", Utf8),
        ("remarks", Utf8),
    ]);
    for row in rows(scene, scope)? {
        if schemas.fits(&row.schema) && tables.fits(&row.name) {
            grid.row([
                row.schema.into(),
                row.name.into(),
                false.into(),
                "".into(),
                row.catalog.into(),
                row.kind.into(),
                row.comment.into(),
            ]);
        }
    }
    grid.outcome()
}

/// `SHOW COLUMNS IN CATALOG c [SCHEMA LIKE 'p'] [TABLE LIKE 'p'] [LIKE 'p']`; the first column of a table is at 0.
pub(super) fn columns(
    scene: &Scene<'_>,
    scope: &Scope,
    schemas: &Shown,
    tables: &Shown,
    columns: &Shown,
) -> Result<Outcome, Fault> {
    let mut grid = Grid::new(vec![
        ("col_name", Utf8),
        ("catalogName", Utf8),
        ("namespace", Utf8),
        ("tableName", Utf8),
        ("columnType", Utf8),
        ("columnSize", Int32),
        ("decimalDigits", Int32),
        ("radix", Int32),
        ("isNullable", Utf8),
        ("remarks", Utf8),
        ("ordinalPosition", Int32),
        ("isAutoIncrement", Utf8),
        ("isGenerated", Utf8),
    ]);
    let listing = listing::of(scene.workspace, &scene.session.caller);
    for row in rows(scene, scope)? {
        if !schemas.fits(&row.schema) || !tables.fits(&row.name) {
            continue;
        }
        for (position, column) in (0_i32..).zip(listing.columns(&row)?) {
            if !columns.fits(&column.name) {
                continue;
            }
            let (size, digits, radix) = SqlType::parse(&column.type_text).measures();
            let yes_or_no = |yes: bool| Cell::from(if yes { "YES" } else { "NO" });
            grid.row([
                column.name.into(),
                row.catalog.clone().into(),
                row.schema.clone().into(),
                row.name.clone().into(),
                column.type_text.to_uppercase().into(),
                size.into(),
                digits.into(),
                radix.into(),
                column.nullable.to_string().into(),
                column.comment.into(),
                position.into(),
                yes_or_no(column.identity),
                yes_or_no(column.generated),
            ]);
        }
    }
    grid.outcome()
}

/// `SHOW FUNCTIONS IN CATALOG c [SCHEMA LIKE 'p'] [LIKE 'p']`: those made by users.
pub(super) fn functions(
    scene: &Scene<'_>,
    scope: &Scope,
    schemas: &Shown,
    functions: &Shown,
) -> Result<Outcome, Fault> {
    let mut grid = Grid::new(vec![
        ("functionName", Utf8),
        ("catalogName", Utf8),
        ("namespace", Utf8),
        ("remarks", Utf8),
        ("functionType", Int32),
        ("specificName", Utf8),
    ]);
    let within = catalog_of(scene, scope)?;
    for row in listing::of(scene.workspace, &scene.session.caller).functions()? {
        if within.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&row.catalog))
            && schemas.fits(&row.schema)
            && functions.fits(&row.name)
        {
            let specific = format!("{}.{}.{}", row.catalog, row.schema, row.name);
            grid.row([
                row.name.into(),
                row.catalog.into(),
                row.schema.into(),
                row.comment.into(),
                (if row.is_table { 2 } else { 1 }).into(),
                specific.into(),
            ]);
        }
    }
    grid.outcome()
}

/// `SHOW KEYS IN CATALOG c IN SCHEMA s IN TABLE t`: the columns of the primary key, the first at 1.
pub(super) fn primary_keys(scene: &Scene<'_>, table: &Name) -> Result<Outcome, Fault> {
    let record = scene.table(&table.values())?;
    let mut grid = Grid::new(vec![
        ("catalogName", Utf8),
        ("namespace", Utf8),
        ("tableName", Utf8),
        ("col_name", Utf8),
        ("keySeq", Int32),
        ("constraintName", Utf8),
    ]);
    for key in record.constraints.iter().filter(|key| key.references.is_none()) {
        for (position, column) in (1_i32..).zip(&key.columns) {
            grid.row([
                record.catalog.clone().into(),
                record.schema.clone().into(),
                record.name.clone().into(),
                column.clone().into(),
                position.into(),
                key.name.clone().into(),
            ]);
        }
    }
    grid.outcome()
}

/// `SHOW FOREIGN KEYS IN CATALOG c IN SCHEMA s IN TABLE t`: the columns of each, beside those that they refer to.
pub(super) fn foreign_keys(scene: &Scene<'_>, table: &Name) -> Result<Outcome, Fault> {
    let record = scene.table(&table.values())?;
    let mut grid = Grid::new(vec![
        ("parentCatalogName", Utf8),
        ("parentNamespace", Utf8),
        ("parentTableName", Utf8),
        ("parentColName", Utf8),
        ("catalogName", Utf8),
        ("namespace", Utf8),
        ("tableName", Utf8),
        ("col_name", Utf8),
        ("keySeq", Int32),
        ("updateRule", Int32),
        ("deleteRule", Int32),
        ("constraintName", Utf8),
        ("deferrability", Int32),
    ]);
    let row = listing::of(scene.workspace, &scene.session.caller).table(record)?;
    for key in row.foreign_keys {
        for (position, (column, parent)) in (1_i32..).zip(key.columns.iter().zip(&key.parent_columns)) {
            let [parent_catalog, parent_schema, parent_table] = key.parent.clone();
            grid.row([
                parent_catalog.into(),
                parent_schema.into(),
                parent_table.into(),
                parent.clone().into(),
                row.catalog.clone().into(),
                row.schema.clone().into(),
                row.name.clone().into(),
                column.clone().into(),
                position.into(),
                3.into(), // importedKeyNoAction
                3.into(),
                key.name.clone().into(),
                7.into(), // importedKeyNotDeferrable
            ]);
        }
    }
    grid.outcome()
}

fn rows(scene: &Scene<'_>, scope: &Scope) -> Result<Vec<TableRow>, Fault> {
    let catalog = catalog_of(scene, scope)?;
    let pattern = catalog.map(|name| name.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%"));
    listing::of(scene.workspace, &scene.session.caller).tables(pattern.as_deref(), None, None)
}

/// The one catalog that is asked about, which must be there.
fn catalog_of(scene: &Scene<'_>, scope: &Scope) -> Result<Option<String>, Fault> {
    let catalog = match scope {
        Scope::Catalog(name) => name.values().join("."),
        Scope::Name(name) => name.values().first().cloned().unwrap_or_default(),
        Scope::Current => scene.settings().catalog,
        Scope::AllCatalogs => return Ok(None),
    };
    scene.catalog().get_catalog(&scene.identity, &full_name(&[&catalog]))?;
    Ok(Some(catalog))
}
