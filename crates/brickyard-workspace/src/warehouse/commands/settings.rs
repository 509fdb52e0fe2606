//! `USE`, `SET`, `RESET`, session variables.

use std::collections::BTreeMap;

use brickyard_sql::command::Setting;
use brickyard_sql::{DataType, Variable};

use super::transaction::{AUTOCOMMIT, set_autocommit, show_autocommit};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::Grid;
use crate::warehouse::literal;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::result::arrow::normalize;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::scene::Scene;
use crate::warehouse::zone::engine_zone;

/// Parameters of a SQL warehouse with their defaults.
const DEFAULTS: [(&str, &str); 9] = [
    ("ansi_mode", "true"),
    ("enable_photon", "true"),
    ("legacy_time_parser_policy", "EXCEPTION"),
    ("max_file_partition_bytes", "128m"),
    ("query_tags", ""),
    ("read_only_external_metastore", "false"),
    ("statement_timeout", "172800"),
    ("timezone", "Etc/UTC"),
    ("use_cached_result", "true"),
];

pub(super) fn use_catalog(scene: &Scene<'_>, parts: &[String]) -> Result<Outcome, Fault> {
    let record = scene.catalog().get_catalog(&scene.identity, &full_name(parts))?;
    let mut settings = scene.session.settings();
    settings.catalog = record.name;
    "default".clone_into(&mut settings.schema);
    Ok(Outcome::nothing())
}

pub(super) fn use_schema(scene: &Scene<'_>, parts: &[String]) -> Result<Outcome, Fault> {
    let parts = scene.schema_parts(parts)?;
    let record = scene.catalog().get_schema(&scene.identity, &full_name(&parts))?;
    let mut settings = scene.session.settings();
    settings.catalog = record.catalog;
    settings.schema = record.name;
    Ok(Outcome::nothing())
}

pub(super) async fn setting(scene: &Scene<'_>, sql: &str, setting: &Setting) -> Result<Outcome, Fault> {
    match setting {
        Setting::ShowAll { .. } => {
            let mut grid = Grid::texts(&["key", "value"]);
            for (name, _) in DEFAULTS {
                grid.row([name.into(), value(scene, name).into()]);
            }
            grid.outcome()
        }
        Setting::Show(name) if name.eq_ignore_ascii_case(AUTOCOMMIT) => show_autocommit(scene),
        Setting::Set(name, value) if name.eq_ignore_ascii_case(AUTOCOMMIT) => set_autocommit(scene, value),
        Setting::Show(name) => pair(name, &value(scene, &known(name)?)),
        Setting::Set(name, value) => {
            set(scene, &known(name)?, value.clone()).await?;
            pair(name, value)
        }
        Setting::Reset(name) => {
            let name = known(name)?;
            let default =
                DEFAULTS.iter().find(|(known, _)| *known == name).map_or("", |(_, default)| default);
            set(scene, &name, default.to_owned()).await?;
            scene.session.settings().configuration.remove(&name);
            Ok(Outcome::nothing())
        }
        Setting::ResetAll => {
            for (name, default) in DEFAULTS {
                set(scene, name, default.to_owned()).await?;
            }
            scene.session.settings().configuration.clear();
            Ok(Outcome::nothing())
        }
        Setting::TimeZone(zone) => {
            let zone = if zone.eq_ignore_ascii_case("LOCAL") { "Etc/UTC".to_owned() } else { zone.clone() };
            set(scene, "timezone", zone.clone()).await?;
            pair("spark.sql.session.timeZone", &zone)
        }
        Setting::Declare { or_replace, names, data_type, default } => {
            let default = default.as_ref().map_or("NULL", |default| default.span.of(sql));
            let (found, literal) = evaluate(scene, default, data_type.as_ref()).await?;
            for name in names {
                let name = variable_name(&name.values())?;
                let mut settings = scene.session.settings();
                let present =
                    settings.variables.iter().position(|known| known.name.eq_ignore_ascii_case(&name));
                match present {
                    Some(_) if !or_replace => {
                        return Err(Fault::new(
                            "VARIABLE_ALREADY_EXISTS",
                            "42723",
                            format_args!(
                                "Cannot create the variable `session`.`{name}` because it already exists."
                            ),
                        ));
                    }
                    Some(at) => drop(settings.variables.remove(at)),
                    None => {}
                }
                settings.variables.push(Variable {
                    name,
                    qualifier: None,
                    data_type: found.clone(),
                    literal: literal.clone(),
                });
            }
            Ok(Outcome::nothing())
        }
        Setting::Variables(pairs) => {
            for (name, expression) in pairs {
                assign(scene, &name.values(), expression.span.of(sql)).await?;
            }
            Ok(Outcome::nothing())
        }
        Setting::VariablesFrom(names, query) => {
            let mut outcome = scene.query(query.span.of(sql)).await?;
            let names: Vec<Vec<String>> = names.iter().map(brickyard_sql::Name::values).collect();
            assign_row(scene, &names, &mut outcome).await?;
            Ok(Outcome::nothing())
        }
    }
}

/// Gives a variable the value of an expression.
pub(super) async fn assign(scene: &Scene<'_>, parts: &[String], expression: &str) -> Result<(), Fault> {
    let known = known_variable(scene, parts)?;
    let (_, literal) = evaluate(scene, expression, Some(&known.data_type)).await?;
    if scene.assign(parts, &literal) { Ok(()) } else { Err(no_variable(&variable_name(parts)?)) }
}

/// Gives variables the values of the one row of a result; no row gives NULLs, more than one is an error.
pub(super) async fn assign_row(
    scene: &Scene<'_>,
    names: &[Vec<String>],
    outcome: &mut Outcome,
) -> Result<(), Fault> {
    if outcome.schema.fields().len() != names.len() {
        return Err(Fault::new(
            "ASSIGNMENT_ARITY_MISMATCH",
            "42802",
            format_args!(
                "The number of columns or variables assigned or aliased: {} does not match the number of source expressions: {}.",
                names.len(),
                outcome.schema.fields().len()
            ),
        ));
    }
    let mut rows = Vec::new();
    while let Some(batch) = outcome.next().await? {
        rows.extend(batch.decode()?.into_iter().filter(|batch| batch.num_rows() > 0));
    }
    if rows.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>() > 1 {
        let text = "More than one row returned by a subquery used as a row.";
        return Err(Fault::new("ROW_SUBQUERY_TOO_MANY_ROWS", "21000", text));
    }
    for (at, parts) in names.iter().enumerate() {
        let known = known_variable(scene, parts)?;
        let literal = match rows.first() {
            Some(batch) => {
                let (_, literal) = literal::of(batch, at, 0, None)?;
                evaluate(scene, &literal, Some(&known.data_type)).await?.1
            }
            None => literal::null(&known.data_type),
        };
        if !scene.assign(parts, &literal) {
            return Err(no_variable(&variable_name(parts)?));
        }
    }
    Ok(())
}

fn known_variable(scene: &Scene<'_>, parts: &[String]) -> Result<Variable, Fault> {
    let name = variable_name(parts)?;
    let found = scene.variables().into_iter().find(|known| known.name.eq_ignore_ascii_case(&name));
    found.ok_or_else(|| no_variable(&name))
}

/// The value of an expression as text; none for NULL.
pub(super) async fn value_of(scene: &Scene<'_>, expression: &str) -> Result<Option<String>, Fault> {
    let rows = scene.collect(&format!("SELECT CAST(({expression}) AS STRING) AS value")).await?;
    let batch = rows.iter().find(|batch| batch.num_rows() > 0);
    let batch = batch.ok_or_else(|| Fault::internal("The expression gave no value"))?;
    let values = normalize(batch.column(0), &SqlType::String)?;
    let values = arrow_array::cast::AsArray::as_string::<i32>(&values);
    Ok(values.iter().next().flatten().map(str::to_owned))
}

pub(super) fn drop_variable(scene: &Scene<'_>, parts: &[String]) -> Result<(), Fault> {
    let name = variable_name(parts)?;
    let mut settings = scene.session.settings();
    let before = settings.variables.len();
    settings.variables.retain(|known| !known.name.eq_ignore_ascii_case(&name));
    if settings.variables.len() == before { Err(no_variable(&name)) } else { Ok(()) }
}

/// Evaluates an expression to its type and a literal of it.
pub(super) async fn evaluate(
    scene: &Scene<'_>,
    expression: &str,
    wanted: Option<&DataType>,
) -> Result<(DataType, String), Fault> {
    let sql = match wanted {
        Some(data_type) => format!("SELECT CAST(({expression}) AS {data_type}) AS value"),
        None => format!("SELECT ({expression}) AS value"),
    };
    let rows = scene.collect(&sql).await?;
    let batch = rows.iter().find(|batch| batch.num_rows() > 0);
    let batch = batch.ok_or_else(|| Fault::internal("The expression gave no value"))?;
    literal::of(batch, 0, 0, wanted)
}

async fn set(scene: &Scene<'_>, name: &str, value: String) -> Result<(), Fault> {
    let told = match name {
        "timezone" => Some(("spark.sql.session.timeZone", engine_zone(&value)?)),
        "ansi_mode" => Some(("spark.sql.ansi.enabled", value.to_lowercase())),
        _ => None,
    };
    if let Some((name, value)) = told {
        let engine = scene.session.engine(scene.workspace).await?;
        engine.configure(&BTreeMap::from([(name.to_owned(), value)])).await?;
    }
    scene.session.settings().configuration.insert(name.to_owned(), value);
    Ok(())
}

fn value(scene: &Scene<'_>, name: &str) -> String {
    let set = scene.session.settings().configuration.get(name).cloned();
    let default = DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, default)| (*default).to_owned());
    set.or(default).unwrap_or_default()
}

/// The name of a parameter that a warehouse has; the others cannot be read or set there.
fn known(name: &str) -> Result<String, Fault> {
    let lower = name.to_lowercase();
    let lower = match lower.as_str() {
        "spark.sql.session.timezone" => "timezone",
        "spark.sql.ansi.enabled" => "ansi_mode",
        other => other,
    };
    if DEFAULTS.iter().any(|(known, _)| *known == lower) {
        return Ok(lower.to_owned());
    }
    Err(Fault::new("CONFIG_NOT_AVAILABLE", "42K0I", format_args!("Configuration {name} is not available.")))
}

fn pair(name: &str, value: &str) -> Result<Outcome, Fault> {
    let mut grid = Grid::texts(&["key", "value"]);
    grid.row([name.into(), value.into()]);
    grid.outcome()
}

/// The last part of `name`, `session.name` or `system.session.name`.
fn variable_name(parts: &[String]) -> Result<String, Fault> {
    parts.last().cloned().ok_or_else(|| Fault::internal("A variable has no name"))
}

fn no_variable(name: &str) -> Fault {
    Fault::new(
        "VARIABLE_NOT_FOUND",
        "42883",
        format_args!(
            "The variable `system`.`session`.`{name}` cannot be found. Verify the spelling and correctness of the schema and catalog."
        ),
    )
}
