//! `TABLESAMPLE`: shares of rows are the engine's, numbers of rows and buckets become what it knows.

use crate::error::SqlError;
use crate::parser::Parser;
use crate::query::{Factor, FactorKind};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// Puts a form that the engine takes in the place of a sample. It samples tables and subqueries, nothing else.
    pub(super) fn sampled(&mut self, factor: &Factor, sample: Span) -> Result<(), SqlError> {
        let mut parser = Parser::new(sample.of(self.sql))?;
        parser.words("TABLESAMPLE");
        parser.expect_symbol("(")?;
        if parser.words("BUCKET") {
            let bucket = parser.integer()?;
            parser.expect_words("OUT")?;
            parser.expect_words("OF")?;
            let buckets = parser.integer()?;
            if buckets == 0 || bucket > buckets {
                return Err(SqlError::syntax(self.sql, sample));
            }
            // As a share, in whole digits and as many behind the point as fit.
            let share = u128::from(bucket) * 100_000_000 / u128::from(buckets);
            let rest = &sample.of(self.sql)[sample.of(self.sql).find(')').map_or(0, |at| at + 1)..];
            let text = format!("TABLESAMPLE ({}.{:06} PERCENT){rest}", share / 1_000_000, share % 1_000_000);
            self.edits.replace(sample, pieces![text]);
        } else if let Ok(rows) = parser.integer()
            && parser.words("ROWS")
        {
            let mut text = pieces!["(SELECT * FROM ", factor.source, format!(" LIMIT {rows})")];
            if factor.alias.is_none()
                && factor.inner_alias.is_none()
                && let FactorKind::Table { name, .. } = &factor.kind
                && let Some(last) = name.parts.last()
            {
                text.push(Piece::from(format!(" AS {}", quote_name(&last.value))));
            }
            self.edits.replace(factor.source, text);
            self.edits.replace(sample, pieces![""]);
            return Ok(());
        }
        if matches!(factor.kind, FactorKind::Function(_)) {
            self.edits.replace(factor.source, pieces!["(SELECT * FROM ", factor.source, ")"]);
        }
        Ok(())
    }
}
