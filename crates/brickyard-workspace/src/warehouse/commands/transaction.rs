//! `BEGIN TRANSACTION`, `COMMIT`, `ROLLBACK`, `SET AUTOCOMMIT`.

use crate::warehouse::fault::Fault;
use crate::warehouse::grid::Grid;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;
use crate::warehouse::transaction::no_command;

/// The name under which a session says whether each statement commits itself.
pub(super) const AUTOCOMMIT: &str = "autocommit";

pub(super) async fn run(scene: &Scene<'_>, word: &str) -> Result<Outcome, Fault> {
    match word {
        "BEGIN" => scene.begin()?,
        "COMMIT" => scene.commit().await?,
        _ => scene.rollback()?,
    }
    Ok(Outcome::nothing())
}

/// `SET AUTOCOMMIT`: one row with `true` or `false`.
pub(super) fn show_autocommit(scene: &Scene<'_>) -> Result<Outcome, Fault> {
    let mut grid = Grid::texts(&["AUTOCOMMIT"]);
    grid.row([scene.session.transactions().autocommit().to_string().into()]);
    grid.outcome()
}

/// `SET AUTOCOMMIT = TRUE` or `FALSE`.
pub(super) fn set_autocommit(scene: &Scene<'_>, value: &str) -> Result<Outcome, Fault> {
    let autocommit = match value.to_lowercase().as_str() {
        "true" => true,
        "false" => false,
        _ => {
            let text = format_args!("AUTOCOMMIT must be TRUE or FALSE, it is '{value}'.");
            return Err(Fault::new("INVALID_PARAMETER_VALUE", "22023", text));
        }
    };
    if scene.transaction().is_some() {
        return Err(no_command("SET AUTOCOMMIT"));
    }
    if !autocommit {
        scene.is_interactive()?;
    }
    scene.session.transactions().set_autocommit(autocommit);
    Ok(Outcome::nothing())
}
