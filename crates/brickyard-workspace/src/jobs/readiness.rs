//! Whether a task may begin, by `run_if`, what it depends on and the outcomes of conditions.

use serde_json::Value;

use super::record::{Phase, TaskRun};

/// What is to be done with a task that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Something before it is not over.
    Waits,
    Begins,
    /// It never runs, for what came before failed.
    Failed,
    /// It never runs, and that is no failure.
    Excluded,
}

/// Reads it off the phases of the tasks before.
pub(super) fn of(task: &TaskRun, tasks: &[TaskRun]) -> Readiness {
    let mut before = Vec::new();
    let mut is_elsewhere = false;
    for (key, outcome) in task.predecessors() {
        let Some(one) = tasks.iter().find(|one| one.task_key == key) else {
            before.push(Phase::Failed);
            continue;
        };
        let elsewhere =
            one.phase == Phase::Succeeded && outcome.is_some() && outcome != one.outcome.as_deref();
        is_elsewhere |= elsewhere;
        before.push(if elsewhere { Phase::Excluded } else { one.phase });
    }
    if !before.iter().all(|phase| phase.is_over()) {
        return Readiness::Waits;
    }
    let run_if = task.settings.get("run_if").and_then(Value::as_str).unwrap_or("ALL_SUCCESS");
    let all_excluded = !before.is_empty() && before.iter().all(|phase| *phase == Phase::Excluded);
    if all_excluded || (is_elsewhere && run_if == "ALL_SUCCESS") {
        return Readiness::Excluded;
    }
    // What was left out counts as a success.
    let succeeded = before.iter().filter(|phase| matches!(phase, Phase::Succeeded | Phase::Excluded)).count();
    let failed = before
        .iter()
        .filter(|phase| matches!(phase, Phase::Failed | Phase::TimedOut | Phase::UpstreamFailed))
        .count();
    let begins = match run_if {
        "ALL_DONE" => true,
        "AT_LEAST_ONE_SUCCESS" => succeeded > 0 || before.is_empty(),
        "NONE_FAILED" => failed == 0,
        "ALL_FAILED" => failed == before.len(),
        "AT_LEAST_ONE_FAILED" => failed > 0,
        _ => succeeded == before.len(),
    };
    match run_if {
        _ if begins => Readiness::Begins,
        "ALL_FAILED" | "AT_LEAST_ONE_FAILED" => Readiness::Excluded,
        _ => Readiness::Failed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn run_if_decides_by_what_came_before() {
        let (good, bad, open) = (Phase::Succeeded, Phase::Failed, Phase::Running);
        for (run_if, before, expected) in [
            ("ALL_SUCCESS", vec![good, good], Readiness::Begins),
            ("ALL_SUCCESS", vec![good, bad], Readiness::Failed),
            ("ALL_SUCCESS", vec![good, open], Readiness::Waits),
            ("ALL_SUCCESS", vec![good, Phase::Excluded], Readiness::Begins),
            ("ALL_DONE", vec![good, bad], Readiness::Begins),
            ("ALL_DONE", vec![Phase::Excluded], Readiness::Excluded),
            ("AT_LEAST_ONE_SUCCESS", vec![bad, good], Readiness::Begins),
            ("AT_LEAST_ONE_SUCCESS", vec![bad], Readiness::Failed),
            ("NONE_FAILED", vec![good, Phase::Canceled], Readiness::Begins),
            ("ALL_FAILED", vec![bad, bad], Readiness::Begins),
            ("AT_LEAST_ONE_FAILED", vec![good, bad], Readiness::Begins),
            ("AT_LEAST_ONE_FAILED", vec![good], Readiness::Excluded),
        ] {
            let keys = (0..before.len()).map(|at| json!({ "task_key": at.to_string() })).collect::<Value>();
            let settings = json!({ "run_if": run_if, "depends_on": keys });
            let settings = settings.as_object().cloned().unwrap_or_default();
            let task = TaskRun { settings, ..TaskRun::default() };
            let tasks: Vec<TaskRun> = before
                .iter()
                .enumerate()
                .map(|(at, phase)| TaskRun { task_key: at.to_string(), phase: *phase, ..TaskRun::default() })
                .collect();
            assert_eq!(of(&task, &tasks), expected, "{run_if} {before:?}");
        }
    }

    #[test]
    fn a_branch_begins_with_its_outcome() {
        let condition = TaskRun {
            task_key: "c".to_owned(),
            phase: Phase::Succeeded,
            outcome: Some("true".to_owned()),
            ..TaskRun::default()
        };
        for (outcome, expected) in [("true", Readiness::Begins), ("false", Readiness::Excluded)] {
            let settings = json!({ "depends_on": [{ "task_key": "c", "outcome": outcome }] });
            let settings = settings.as_object().cloned().unwrap_or_default();
            let task = TaskRun { settings, ..TaskRun::default() };
            assert_eq!(of(&task, std::slice::from_ref(&condition)), expected);
        }
    }
}
