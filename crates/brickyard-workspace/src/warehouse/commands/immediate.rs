use std::collections::BTreeMap;

use brickyard_sql::command::ExecuteImmediate;
use brickyard_sql::query::ExprKind;
use brickyard_sql::{Body, DataType, Marker, Parameter, Parameters, SqlError};

use super::settings;
use crate::warehouse::fault::Fault;
use crate::warehouse::literal;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// `EXECUTE IMMEDIATE text [INTO variables] [USING values]`.
pub(super) async fn execute(
    scene: &Scene<'_>,
    sql: &str,
    execute: &ExecuteImmediate,
) -> Result<Outcome, Fault> {
    let text = settings::value_of(scene, execute.text.span.of(sql)).await?;
    let text = text.ok_or_else(|| {
        Fault::new(
            "NULL_QUERY_STRING_EXECUTE_IMMEDIATE",
            "22004",
            "Execute immediate requires a non-null variable as the query string.",
        )
    })?;
    let parameters = arguments(scene, sql, execute, &text).await?;
    let text = brickyard_sql::bind(&text, &parameters)?;
    let is_query = matches!(brickyard_sql::parse(&text)?.body, Body::Query(_));
    if !execute.into.is_empty() && !is_query {
        return Err(Fault::new(
            "INVALID_STATEMENT_FOR_EXECUTE_INTO",
            "07501",
            "The INTO clause of EXECUTE IMMEDIATE is only valid for queries.",
        ));
    }
    let mut outcome = Box::pin(scene.run(&text)).await?;
    if execute.into.is_empty() {
        return Ok(outcome);
    }
    let names: Vec<Vec<String>> = execute.into.iter().map(brickyard_sql::Name::values).collect();
    if let Some(at) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])) {
        let text = format!(
            "The columns or variables `{}` appear more than once as assignment targets.",
            names[at].join("`.`")
        );
        return Err(Fault::new("DUPLICATE_ASSIGNMENTS", "42701", text));
    }
    settings::assign_row(scene, &names, &mut outcome).await?;
    Ok(Outcome::nothing())
}

/// The values of `USING` as the markers of the text ask for them: by place, or by the names that they are given.
async fn arguments(
    scene: &Scene<'_>,
    sql: &str,
    execute: &ExecuteImmediate,
    text: &str,
) -> Result<Parameters, Fault> {
    let markers = brickyard_sql::markers(text)?;
    let places = markers.iter().filter(|marker| matches!(marker, Marker::Positional(_))).count();
    if places > 0 && places < markers.len() {
        return Err(Fault::new(
            "INVALID_QUERY_MIXED_QUERY_PARAMETERS",
            "42613",
            "Parameterized query must either use positional, or named parameters, but not both.",
        ));
    }
    let (mut positional, mut named) = (Vec::new(), BTreeMap::new());
    for (expression, name) in &execute.using {
        let value = parameter(scene, expression.span.of(sql)).await?;
        // A variable has its own name.
        let own = match (&name, &expression.kind) {
            (Some(name), _) => Some(name.value.clone()),
            (None, ExprKind::Name(variable)) => variable.values().pop(),
            _ => None,
        };
        if let Some(own) = own
            && named.insert(own.clone(), value.clone()).is_some()
        {
            let text = format!(
                "The USING clause of this EXECUTE IMMEDIATE command contained multiple arguments with same alias (`{own}`), which is invalid; please update the command to specify unique aliases and then try it again."
            );
            return Err(Fault::new("EXEC_IMMEDIATE_DUPLICATE_ARGUMENT_ALIASES", "42701", text));
        }
        positional.push(value);
    }
    if places > 0 || execute.using.is_empty() {
        return Ok(Parameters::Positional(positional));
    }
    if named.len() < positional.len() {
        return Err(Fault::new(
            "ALL_PARAMETERS_MUST_BE_NAMED",
            "07001",
            "Using name parameterized queries requires all parameters to be named.",
        ));
    }
    Ok(Parameters::Named(named))
}

/// An expression's value as a parameter of its own type.
async fn parameter(scene: &Scene<'_>, expression: &str) -> Result<Parameter, Fault> {
    let (data_type, literal) = settings::evaluate(scene, expression, None).await?;
    let sql_type = data_type.to_string();
    if literal == literal::null(&data_type) {
        return Ok(Parameter { sql_type, value: None, arguments: None });
    }
    let query = match &data_type {
        // Values within values are written as JSON.
        DataType::Array(_) | DataType::Map(..) | DataType::Struct(_) => {
            if holds_keys(&data_type) {
                let text = "EXECUTE IMMEDIATE with a map whose keys are no strings";
                return Err(SqlError::unsupported(text, "Write the map in the statement's text").into());
            }
            format!("to_json({literal})")
        }
        DataType::Binary => format!("hex({literal})"),
        _ => format!("CAST({literal} AS STRING)"),
    };
    let text = settings::value_of(scene, &query).await?;
    let value = text.map(|text| match &data_type {
        // `INTERVAL '3 04:05:06' DAY TO SECOND` is its own literal.
        DataType::YearMonth(_) | DataType::DayTime(_) => {
            text.split('\'').nth(1).map_or_else(|| text.clone(), str::to_owned)
        }
        _ => text,
    });
    Ok(Parameter { sql_type, value, arguments: None })
}

/// Whether a map whose keys are no strings is part of a type.
fn holds_keys(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(key, value) => !key.is_string() || holds_keys(value),
        DataType::Array(element) => holds_keys(element),
        DataType::Struct(fields) => fields.iter().any(|field| holds_keys(&field.data_type)),
        _ => false,
    }
}
