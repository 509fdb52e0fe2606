use std::collections::BTreeMap;

use brickyard_sql::command::ExecuteImmediate;
use brickyard_sql::{Body, Parameter, Parameters};

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
    let mut positional = Vec::new();
    let mut named = BTreeMap::new();
    for (expression, name) in &execute.using {
        let parameter = parameter(scene, expression.span.of(sql)).await?;
        match name {
            Some(name) => drop(named.insert(name.value.clone(), parameter)),
            None => positional.push(parameter),
        }
    }
    if !named.is_empty() && !positional.is_empty() {
        return Err(Fault::new(
            "ALL_PARAMETERS_MUST_BE_NAMED",
            "07001",
            "Using name parameterized queries requires all parameters to be named.",
        ));
    }
    let parameters =
        if named.is_empty() { Parameters::Positional(positional) } else { Parameters::Named(named) };
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
    settings::assign_row(scene, &names, &mut outcome).await?;
    Ok(Outcome::nothing())
}

/// An expression's value as a parameter of its own type.
async fn parameter(scene: &Scene<'_>, expression: &str) -> Result<Parameter, Fault> {
    let (data_type, literal) = settings::evaluate(scene, expression, None).await?;
    let text = match settings::value_of(scene, &format!("CAST({literal} AS STRING)")).await {
        _ if literal == literal::null(&data_type) => None,
        Ok(text) => text,
        Err(fault) => return Err(fault),
    };
    Ok(Parameter { sql_type: data_type.to_string(), value: text, arguments: None })
}
