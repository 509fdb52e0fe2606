//! The session's configuration, as Spark Connect reads and changes it.

use super::super::sessions::SparkSession;
use super::super::wire::{Field, Malformed, fields, last, put};
use super::{PASSED, ask, beginning};
use crate::warehouse::Fault;
use crate::workspace::Workspace;

pub(super) async fn configure(
    workspace: &Workspace,
    session: &SparkSession,
    request: &[Field<'_>],
) -> Result<Vec<u8>, Fault> {
    let operation = fields(last(request, 3).ok_or(Malformed)?.content)?;
    let operation = operation.first().ok_or(Malformed)?;
    let parts = fields(operation.content)?;
    let mut answer = beginning(session, 4);
    let pair = |answer: &mut Vec<u8>, key: &str, value: Option<&str>| {
        let mut pair = Vec::new();
        put(&mut pair, 1, key.as_bytes());
        if let Some(value) = value {
            put(&mut pair, 2, value.as_bytes());
        }
        put(answer, 2, &pair);
    };
    let read = |field: &Field<'_>| -> Result<(String, Option<String>), Malformed> {
        let pair = fields(field.content)?;
        let key = last(&pair, 1).ok_or(Malformed)?.text()?.to_owned();
        let value = last(&pair, 2).map(|value| value.text().map(str::to_owned)).transpose()?;
        Ok((key, value))
    };
    match operation.number {
        1 => {
            for field in parts.iter().filter(|field| field.number == 1) {
                let (key, value) = read(field)?;
                let value = value.unwrap_or_default();
                if PASSED.contains(&key.as_str()) {
                    let engine = session.session.engine(workspace).await?;
                    engine.configure(&[(key.clone(), value.clone())].into()).await?;
                }
                session.configuration().insert(key.clone(), value.clone());
                pair(&mut answer, &key, Some(&value));
            }
        }
        2 | 4 => {
            for field in parts.iter().filter(|field| field.number == 1) {
                let key = field.text()?;
                let own = session.configuration().get(key).cloned();
                let value = match own {
                    Some(value) => Some(value),
                    None => match default(key) {
                        Some(known) => ask(workspace, session, 4, key).await?.or(Some(known.to_owned())),
                        None => ask(workspace, session, operation.number, key).await?,
                    },
                };
                pair(&mut answer, key, value.as_deref());
            }
        }
        3 => {
            for field in parts.iter().filter(|field| field.number == 1) {
                let (key, default) = read(field)?;
                let own = session.configuration().get(&key).cloned();
                let value = match own {
                    Some(value) => Some(value),
                    None => ask(workspace, session, 4, &key).await?.or(default),
                };
                pair(&mut answer, &key, value.as_deref());
            }
        }
        5 => {
            let prefix =
                last(&parts, 1).map(|field| field.text()).transpose()?.unwrap_or_default().to_owned();
            for (key, value) in session.configuration().iter().filter(|(key, _)| key.starts_with(&prefix)) {
                pair(&mut answer, key, Some(value));
            }
        }
        6 => {
            for field in parts.iter().filter(|field| field.number == 1) {
                session.configuration().remove(field.text()?);
            }
        }
        7 => {
            for field in parts.iter().filter(|field| field.number == 1) {
                let key = field.text()?;
                pair(&mut answer, key, Some(if key.starts_with("spark.sql.") { "true" } else { "false" }));
            }
        }
        _ => return Err(Malformed.into()),
    }
    Ok(answer)
}

/// Spark's own default of what clients ask for and the engine does not know.
fn default(key: &str) -> Option<&'static str> {
    Some(match key {
        "spark.sql.timestampType" => "TIMESTAMP_LTZ",
        "spark.sql.session.timeZone" => "UTC",
        "spark.sql.session.localRelationCacheThreshold" => "67108864",
        "spark.sql.session.localRelationSizeLimit" => "3221225472",
        "spark.sql.session.localRelationChunkSizeRows" => "10000",
        "spark.sql.session.localRelationChunkSizeBytes" => "16777216",
        "spark.sql.session.localRelationBatchOfChunksSizeBytes" => "1073741824",
        "spark.sql.execution.pyspark.binaryAsBytes" => "true",
        "spark.sql.repl.eagerEval.maxNumRows" | "spark.sql.repl.eagerEval.truncate" => "20",
        "spark.sql.execution.pandas.inferPandasDictAsMap"
        | "spark.sql.execution.pandas.convertToArrowArraySafely"
        | "spark.sql.execution.arrow.useLargeVarTypes"
        | "spark.sql.pyspark.inferNestedDictAsStruct.enabled"
        | "spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled"
        | "spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled"
        | "spark.sql.repl.eagerEval.enabled" => "false",
        _ => return None,
    })
}
