use brickyard_sql::Body;

use crate::warehouse::fault::Fault;
use crate::warehouse::grid::Grid;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// `EXPLAIN`: the engine's plan. Where it would show what a view, a function, a filter or a mask keeps from the caller, only
/// that there is something is said.
pub(super) async fn explain(scene: &Scene<'_>, sql: &str, statement: &Body) -> Result<Outcome, Fault> {
    if let Body::Command(_) = statement {
        let words: Vec<&str> = sql.split_whitespace().take(2).collect();
        return plan(&format!("== Physical Plan ==\nExecute {}\n", words.join(" ").to_uppercase()));
    }
    let planned = match scene.plan(&brickyard_sql::parse(sql)?).await {
        Ok(planned) => planned,
        // As the platform does: an explanation of a statement that cannot be planned tells why.
        Err(fault) if fault.class == "INSUFFICIENT_PERMISSIONS" || fault.class == "PARSE_SYNTAX_ERROR" => {
            return Err(fault);
        }
        Err(fault) => return plan(&format!("Error occurred during query planning: \n{}", fault.message)),
    };
    if !planned.delegated.is_empty() || !planned.statement.definer_reads.is_empty() {
        return plan(
            "== Physical Plan ==\nSecureView\n  (the plan of a view, function, row filter or mask is not shown)\n",
        );
    }
    scene.engine_text(&planned, &format!("EXPLAIN {}", planned.statement.sql)).await
}

fn plan(text: &str) -> Result<Outcome, Fault> {
    let mut grid = Grid::texts(&["plan"]);
    grid.row([text.into()]);
    grid.outcome()
}
