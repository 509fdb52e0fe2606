//! Tasks that steer others: conditions, iterations and runs of other jobs.

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::execute::{Context, attempts, check};
use super::process::Ended;
use super::record::{Output, Phase, TaskRun, fresh_id};
use super::reference::{fill_in, of_input};
use super::runs::{Given, begin};
use crate::caller::Caller;
use crate::error::ApiError;

/// Most iterations of one task, as on the platform.
const MOST_ITERATIONS: usize = 5000;

/// Most iterations at a time, as on the platform.
const MOST_AT_A_TIME: u64 = 100;

/// How deep jobs run jobs, as on the platform.
const DEEPEST: u32 = 3;

/// Compares the two sides of a condition: as text where they are to be equal, else as numbers.
pub(super) fn condition(settings: &Value) -> Result<bool, ApiError> {
    let side = |name: &str| settings.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    let (left, right) = (side("left"), side("right"));
    let number = |text: &str| {
        text.parse::<f64>()
            .map_err(|_| ApiError::invalid(format!("The condition compares '{text}', which is no number")))
    };
    let operator = settings.get("op").and_then(Value::as_str).unwrap_or_default();
    Ok(match operator {
        "EQUAL_TO" => left == right,
        "NOT_EQUAL" => left != right,
        "GREATER_THAN" => number(left)? > number(right)?,
        "GREATER_THAN_OR_EQUAL" => number(left)? >= number(right)?,
        "LESS_THAN" => number(left)? < number(right)?,
        "LESS_THAN_OR_EQUAL" => number(left)? <= number(right)?,
        other => return Err(ApiError::invalid(format!("A condition has no operator '{other}'"))),
    })
}

/// Refuses iterations that could never run.
pub(super) fn check_iterations(settings: &Value) -> Result<(), ApiError> {
    let nested = settings.get("task").and_then(Value::as_object);
    let nested = nested.ok_or_else(|| ApiError::invalid("A for_each_task has a task"))?;
    if ["for_each_task", "condition_task"].iter().any(|kind| nested.contains_key(*kind)) {
        return Err(ApiError::invalid(
            "A for_each_task iterates over a task that is neither it nor a condition",
        ));
    }
    check(nested)
}

/// Runs a task once for each input.
pub(super) async fn for_each(
    context: &Context<'_>,
    task: &TaskRun,
    settings: &Value,
    cancellation: &CancellationToken,
) -> Result<Ended, ApiError> {
    let inputs = match settings.get("inputs") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        other => other.cloned().unwrap_or_default(),
    };
    let Value::Array(inputs) = inputs else {
        return Err(ApiError::invalid("The inputs of a for_each_task are a JSON array"));
    };
    if inputs.len() > MOST_ITERATIONS {
        return Err(ApiError::invalid(format!("A for_each_task has at most {MOST_ITERATIONS} inputs")));
    }
    let nested = settings.get("task").cloned().unwrap_or_default();
    let key = nested.get("task_key").and_then(Value::as_str).unwrap_or(&task.task_key).to_owned();
    let iterations: Vec<TaskRun> = inputs
        .iter()
        .map(|input| {
            let mut settings = nested.clone();
            fill_in(&mut settings, &|reference| of_input(input, reference));
            let settings = settings.as_object().cloned().unwrap_or_default();
            TaskRun { run_id: fresh_id(), task_key: key.clone(), settings, ..TaskRun::default() }
        })
        .collect();
    context.record(|run| run.task(task.run_id, |known| known.iterations.clone_from(&iterations))).await?;
    let at_a_time = settings.get("concurrency").and_then(Value::as_u64).unwrap_or(1).clamp(1, MOST_AT_A_TIME);
    let at_a_time = usize::try_from(at_a_time).unwrap_or(1);
    let phases: Vec<Result<Phase, ApiError>> = stream::iter(iterations)
        .map(|iteration| one(context, task.run_id, iteration, cancellation))
        .buffer_unordered(at_a_time)
        .collect()
        .await;
    let phases = phases.into_iter().collect::<Result<Vec<Phase>, ApiError>>()?;
    let failed = phases.iter().filter(|phase| **phase != Phase::Succeeded).count();
    let output = Output {
        error: (failed > 0).then(|| format!("{failed} of {} iterations did not succeed", phases.len())),
        ..Output::default()
    };
    let phase = match failed {
        0 => Phase::Succeeded,
        _ if cancellation.is_cancelled() => Phase::Canceled,
        _ => Phase::Failed,
    };
    Ok(Ended { phase, output })
}

/// One iteration, to its end.
async fn one(
    context: &Context<'_>,
    parent: u64,
    mut iteration: TaskRun,
    cancellation: &CancellationToken,
) -> Result<Phase, ApiError> {
    if cancellation.is_cancelled() {
        return Ok(Phase::Canceled);
    }
    iteration.phase = Phase::Running;
    iteration.start_time = context.workspace.clock().unix_milliseconds();
    context.record(|run| run.iteration(parent, &iteration)).await?;
    // Boxed, for an iteration is a task that could hold iterations.
    Box::pin(attempts(context, &mut iteration, cancellation)).await?;
    context.record(|run| run.iteration(parent, &iteration)).await?;
    Ok(iteration.phase)
}

/// Runs another job and waits for its end.
pub(super) async fn run_job(
    context: &Context<'_>,
    caller: &Caller,
    settings: &Value,
    cancellation: &CancellationToken,
) -> Result<Ended, ApiError> {
    let workspace = context.workspace;
    let id = settings.get("job_id");
    let id = id.and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok())).unwrap_or_default();
    if context.depth >= DEEPEST {
        return Err(ApiError::invalid(format!("Jobs run jobs at most {DEEPEST} levels deep")));
    }
    let job = workspace.job_for(caller, id, "CAN_MANAGE_RUN")?;
    let given: Given = serde_json::from_value(settings.clone())
        .map_err(|error| ApiError::invalid(format!("The parameters of run_job_task are wrong: {error}")))?;
    let run_id = begin(workspace, caller, &job, &given, None, None, context.depth + 1)?;
    if let Some(over) = workspace.jobs().over(run_id) {
        tokio::select! {
            () = over.cancelled() => {}
            () = cancellation.cancelled() => {
                workspace.jobs().cancel(run_id);
                over.cancelled().await;
            }
        }
    }
    let run = workspace.job_run_for(caller, run_id, "CAN_VIEW")?;
    let error = match run.phase {
        Phase::Succeeded => None,
        _ => Some(format!("The run {run_id} of the job '{}' did not succeed: {}", job.name(), run.message)),
    };
    let phase = match run.phase {
        Phase::Succeeded => Phase::Succeeded,
        Phase::Canceled if cancellation.is_cancelled() => Phase::Canceled,
        _ => Phase::Failed,
    };
    Ok(Ended { phase, output: Output { error, run_job: Some(run_id), ..Output::default() } })
}

/// How far the iterations of a task are, as the platform counts them.
pub(super) fn shown(iterations: &[TaskRun]) -> Value {
    let count = |wanted: fn(Phase) -> bool| iterations.iter().filter(|one| wanted(one.phase)).count();
    let mut stats = Map::new();
    for (name, value) in [
        ("total_iterations", iterations.len()),
        ("scheduled_iterations", count(|phase| phase != Phase::Pending)),
        ("active_iterations", count(|phase| phase == Phase::Running)),
        ("completed_iterations", count(Phase::is_over)),
        ("succeeded_iterations", count(|phase| phase == Phase::Succeeded)),
        ("failed_iterations", count(|phase| phase.is_over() && phase != Phase::Succeeded)),
    ] {
        stats.insert(name.to_owned(), json!(value));
    }
    json!({ "task_run_stats": stats })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_means_the_same_text_and_greater_the_greater_number() {
        for (left, op, right, expected) in [
            ("12.0", "EQUAL_TO", "12", false),
            ("12.0", "GREATER_THAN_OR_EQUAL", "12", true),
            ("9", "LESS_THAN", "10", true),
            ("a", "NOT_EQUAL", "b", true),
        ] {
            let settings = json!({ "left": left, "op": op, "right": right });
            assert_eq!(condition(&settings).unwrap(), expected, "{left} {op} {right}");
        }
        assert!(condition(&json!({ "left": "a", "op": "LESS_THAN", "right": "1" })).is_err());
        assert!(condition(&json!({ "left": "a", "op": "LIKE", "right": "a" })).is_err());
    }
}
