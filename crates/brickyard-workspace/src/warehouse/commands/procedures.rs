//! Procedures: scripts with parameters, run with the rights of whoever calls them.

use brickyard_sql::command::{Call, CreateProcedure, Mode};
use brickyard_sql::query::{Expr, ExprKind};
use brickyard_sql::{DataType, Variable};

use super::settings;
use crate::catalog::record::FunctionRecord;
use crate::catalog::{NewFunction, Parameter};
use crate::warehouse::fault::Fault;
use crate::warehouse::literal;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// Calls within calls; each takes a part of its thread's stack.
const DEEPEST: usize = 2;

/// `CREATE PROCEDURE`: what its statements name is looked up when they run.
pub(super) fn create(scene: &Scene<'_>, create: &CreateProcedure) -> Result<Outcome, Fault> {
    let settings = scene.settings();
    let parameter = |(_, column): &(Mode, brickyard_sql::command::ColumnDefinition)| Parameter {
        name: column.name.clone(),
        type_text: column.data_type.to_string(),
        default: column.default.clone(),
        comment: column.comment.clone(),
    };
    for (at, (_, column)) in create.parameters.iter().enumerate() {
        let same = |(_, other): &(Mode, brickyard_sql::command::ColumnDefinition)| {
            other.name.eq_ignore_ascii_case(&column.name)
        };
        if create.parameters[..at].iter().any(same) {
            let text = format_args!("Found duplicate name `{}` in the parameters.", column.name);
            return Err(Fault::new("DUPLICATE_ROUTINE_PARAMETER_NAMES", "42734", text));
        }
    }
    let procedure = NewFunction {
        full_name: full_name(&scene.parts(&create.name.values())?),
        parameters: create.parameters.iter().map(parameter).collect(),
        language: "SQL".to_owned(),
        body: create.body.clone(),
        context: Some((settings.catalog, settings.schema)),
        comment: create.comment.clone(),
        replace: create.or_replace,
        modes: Some(create.parameters.iter().map(|(mode, _)| mode.word().to_owned()).collect()),
        ..NewFunction::default()
    };
    let made = scene.catalog().create_function(&scene.identity, procedure);
    super::tables::unless_there(made.map(|_| ()), create.if_not_exists)
}

/// `DROP PROCEDURE`.
pub(super) fn drop(scene: &Scene<'_>, parts: &[String]) -> Result<(), Fault> {
    let full = full_name(&scene.parts(parts)?);
    if scene.catalog().function_record(&full)?.modes.is_none() {
        return Err(not_found(&full));
    }
    Ok(scene.catalog().drop_function(&scene.identity, &full)?)
}

/// `CALL`: the script runs with its parameters as variables, and those that go out are given to the caller's afterwards.
pub(super) async fn call(scene: &Scene<'_>, sql: &str, call: &Call) -> Result<Outcome, Fault> {
    let full = full_name(&scene.parts(&call.name.values())?);
    let record = scene.catalog().callable_function(&scene.identity, &full)?;
    let Some(modes) = &record.modes else { return Err(not_found(&full)) };
    let given = arguments(&record, call)?;
    let mut frame = Vec::new();
    let mut outgoing = Vec::new();
    for ((parameter, mode), given) in record.parameters.iter().zip(modes).zip(&given) {
        let data_type = DataType::from(parameter.type_text.as_str());
        if mode != "IN" {
            outgoing.push((parameter.name.clone(), variable(scene, &parameter.name, *given)?));
        }
        let expression = match given {
            _ if mode == "OUT" => None,
            Some(expr) => Some(expr.span.of(sql)),
            None => parameter.default.as_deref(),
        };
        let literal = match expression {
            Some(expression) => settings::evaluate(scene, expression, Some(&data_type)).await?.1,
            None => literal::null(&data_type),
        };
        let qualifier = Some(record.name.clone());
        frame.push(Variable { name: parameter.name.clone(), qualifier, data_type, literal });
    }
    let before = scene.begin_call(frame, DEEPEST).ok_or_else(|| {
        let construct = format_args!("procedures that call one another more than {DEEPEST} levels deep");
        Fault::unsupported(construct, "Call them in turn")
    })?;
    let settings = scene.settings();
    if let Some((catalog, schema)) = &record.context {
        let mut session = scene.session.settings();
        session.catalog.clone_from(catalog);
        session.schema.clone_from(schema);
    }
    let ended = Box::pin(super::script::run(scene, &record.body)).await;
    let values = scene.end_call(before);
    {
        let mut session = scene.session.settings();
        session.catalog = settings.catalog;
        session.schema = settings.schema;
    }
    let outcome = ended?;
    for (name, parts) in outgoing {
        let value = values.iter().find(|variable| variable.name == name);
        if let Some(value) = value {
            settings::assign(scene, &parts, &value.literal).await?;
        }
    }
    Ok(outcome)
}

/// The arguments in the order of the parameters; none where the default stands.
fn arguments<'a>(record: &FunctionRecord, call: &'a Call) -> Result<Vec<Option<&'a Expr>>, Fault> {
    let mismatch = |text: String| Fault::new("PROCEDURE_ARGUMENT_NUMBER_MISMATCH", "42605", text);
    let mut given: Vec<Option<&Expr>> = vec![None; record.parameters.len()];
    for (at, (name, value)) in call.arguments.iter().enumerate() {
        let place = match name {
            None => Some(at),
            Some(name) => record.parameters.iter().position(|own| own.name.eq_ignore_ascii_case(&name.value)),
        };
        let slot = place.and_then(|place| given.get_mut(place)).ok_or_else(|| match name {
            None => mismatch(format!(
                "The procedure `{}` has {} parameters, but {} arguments were given.",
                record.name,
                record.parameters.len(),
                call.arguments.len()
            )),
            Some(name) => Fault::new(
                "UNRECOGNIZED_PARAMETER_NAME",
                "42K0K",
                format_args!("The procedure `{}` has no parameter `{}`.", record.name, name.value),
            ),
        })?;
        if slot.replace(value).is_some() {
            let text = format_args!("An argument of `{}` is given twice.", record.name);
            return Err(Fault::new("DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT", "4274K", text));
        }
    }
    let needed =
        record.parameters.iter().zip(&given).find(|(own, given)| given.is_none() && own.default.is_none());
    if let Some((own, _)) = needed {
        return Err(mismatch(format!("The procedure `{}` needs the argument `{}`.", record.name, own.name)));
    }
    Ok(given)
}

/// The variable that an `OUT` or `INOUT` parameter is given to.
fn variable(scene: &Scene<'_>, parameter: &str, given: Option<&Expr>) -> Result<Vec<String>, Fault> {
    let parts = match given.map(|expr| &expr.kind) {
        Some(ExprKind::Name(name)) => name.values(),
        _ => Vec::new(),
    };
    let known = parts.last().is_some_and(|name| {
        scene.variables().iter().any(|variable| variable.name.eq_ignore_ascii_case(name))
    });
    if known {
        return Ok(parts);
    }
    let text = format_args!("The argument of the OUT or INOUT parameter `{parameter}` must be a variable.");
    Err(Fault::new("UNRESOLVED_VARIABLE", "42883", text))
}

fn not_found(full: &str) -> Fault {
    Fault::new("ROUTINE_NOT_FOUND", "42883", format_args!("The procedure {full} cannot be found."))
}
