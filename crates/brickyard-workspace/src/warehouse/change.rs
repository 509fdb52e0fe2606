use arrow_schema::DataType::Int64;
use brickyard_sql::statement::DmlKind;

use super::grid::{Cell, Grid};

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

    /// The row that the platform answers.
    pub(crate) fn grid(self, rows: Option<i64>) -> Grid {
        let names: &[&'static str] = match self {
            Self::Inserted => &["num_affected_rows", "num_inserted_rows"],
            Self::Updated => &["num_affected_rows"],
            Self::Merged => {
                &["num_affected_rows", "num_updated_rows", "num_deleted_rows", "num_inserted_rows"]
            }
        };
        let mut grid = Grid::new(names.iter().map(|&name| (name, Int64)).collect());
        let count: Cell = rows.into();
        grid.row(match self {
            Self::Inserted => vec![count.clone(), count],
            _ => vec![count],
        });
        grid
    }
}
