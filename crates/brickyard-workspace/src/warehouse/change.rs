use arrow_schema::DataType::Int64;
use brickyard_sql::statement::DmlKind;

use super::fault::Fault;
use super::grid::{Cell, Grid};
use super::outcome::Outcome;
use crate::catalog::ChangedRows;

/// Which counts a change answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    Inserted,
    Updated,
    Merged,
}

impl Changed {
    pub(crate) fn of(kind: &DmlKind) -> Self {
        match kind {
            DmlKind::Insert(_) => Self::Inserted,
            DmlKind::Merge(_) => Self::Merged,
            DmlKind::Update { .. } | DmlKind::Delete { .. } => Self::Updated,
        }
    }

    /// The row that the platform answers; counts are null where the log does not tell them.
    pub(crate) fn outcome(self, rows: Option<ChangedRows>) -> Result<Outcome, Fault> {
        let names: &[&str] = match self {
            Self::Inserted => &["num_affected_rows", "num_inserted_rows"],
            Self::Updated => &["num_affected_rows"],
            Self::Merged => {
                &["num_affected_rows", "num_updated_rows", "num_deleted_rows", "num_inserted_rows"]
            }
        };
        let mut grid = Grid::new(names.iter().map(|&name| (name, Int64)).collect());
        let total = rows.map(ChangedRows::total);
        let count = |pick: fn(ChangedRows) -> i64| -> Cell { rows.map(pick).into() };
        grid.row(match self {
            Self::Inserted => vec![total.into(), count(|rows| rows.inserted)],
            Self::Updated => vec![total.into()],
            Self::Merged => vec![
                total.into(),
                count(|rows| rows.updated),
                count(|rows| rows.deleted),
                count(|rows| rows.inserted),
            ],
        });
        let mut outcome = grid.outcome()?;
        outcome.modified = total;
        Ok(outcome)
    }
}
