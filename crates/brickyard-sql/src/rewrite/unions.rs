//! Set operations: the rows of several queries, each column in the type that all of them have in common.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::SetBody;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::numbers::{apart, common, holds_map, settled};
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::scope::{Columns, Output};
use crate::token::Span;

impl SetBody {
    /// Where it stands, with its parentheses.
    pub(super) fn span(&self) -> Option<Span> {
        match self {
            Self::Select(select) => Some(select.span),
            Self::Values(span, _) | Self::From(span, _) | Self::Command(span) | Self::Query(span, _) => {
                Some(*span)
            }
            Self::Table(factor) => Some(factor.span),
            Self::Set(first, rest) => Some(first.span()?.to(rest.last()?.1.span()?)),
        }
    }
}

impl Planner<'_> {
    /// `a UNION b EXCEPT c`, from left to right.
    ///
    /// Errors: sides of different widths (`NUM_COLUMNS_MISMATCH` 42826); columns whose types have none in common
    /// (`INCOMPATIBLE_COLUMN_TYPE` 42825).
    pub(super) fn set(
        &mut self,
        first: &SetBody,
        rest: &[(String, SetBody)],
        env: &Env,
    ) -> Result<Columns, SqlError> {
        let (mut columns, _) = self.body(first, env)?;
        let mut left = first.span();
        for (operator, body) in rest {
            let (right, _) = self.body(body, env)?;
            let together = combined(&columns, &right, operator)?;
            if let (Some(before), Some(span)) = (left, body.span())
                && !together.open
                && !operator.contains("BY NAME")
            {
                self.side(before, &columns, &together);
                self.side(span, &right, &together);
            }
            if operator == "INTERSECT ALL"
                && let Some((before, after)) = left.zip(body.span())
            {
                self.intersect_all(before, after, &together)?;
            }
            left = left.zip(body.span()).map(|(before, after)| before.to(after));
            columns = together;
        }
        Ok(columns)
    }

    /// The engine keeps all rows of the left side of `INTERSECT ALL`: equal rows are told apart by numbers.
    fn intersect_all(&mut self, left: Span, right: Span, columns: &Columns) -> Result<(), SqlError> {
        if columns.open {
            return Err(SqlError::unsupported("INTERSECT ALL of unknown columns", "Name the columns"));
        }
        let names: Vec<String> = (1..=columns.list.len()).map(|place| format!("`__{place}`")).collect();
        let names = names.join(", ");
        let numbered = |side: Span| {
            pieces![
                format!(
                    "SELECT {names}, row_number() OVER (PARTITION BY {names} ORDER BY {names}) AS `__n` FROM ("
                ),
                side,
                format!(") AS `__side`({names})"),
            ]
        };
        let shown: Vec<String> = columns
            .list
            .iter()
            .enumerate()
            .map(|(at, column)| format!("`__{}` AS {}", at + 1, crate::token::quote_name(&column.name)))
            .collect();
        let mut text = pieces![format!("SELECT {} FROM (", shown.join(", "))];
        text.extend(numbered(left));
        text.push(Piece::from(" INTERSECT "));
        text.extend(numbered(right));
        text.push(Piece::from(") AS `__both`"));
        self.edits.replace(left.to(right), text);
        Ok(())
    }

    /// One side with its columns in the types that both have in common, where the engine would choose others.
    pub(super) fn side(&mut self, span: Span, own: &Columns, together: &Columns) {
        let differs = own.list.iter().zip(&together.list).any(|(own, column)| casts(own, column));
        if !differs {
            return;
        }
        let names: Vec<String> = (1..=own.list.len()).map(|place| format!("`__{place}`")).collect();
        let mut text = pieces!["SELECT "];
        for (at, ((own, column), name)) in own.list.iter().zip(&together.list).zip(&names).enumerate() {
            if at > 0 {
                text.push(Piece::from(", "));
            }
            if casts(own, column) {
                text.extend(self.converted_text(name, &own.data_type, &column.data_type));
            } else {
                text.push(Piece::from(name.clone()));
            }
            text.push(Piece::from(format!(" AS {}", crate::token::quote_name(&column.name))));
        }
        text.extend(pieces![" FROM (", span, format!(") AS `__side`({})", names.join(", "))]);
        self.edits.replace(span, text);
    }

    /// The value of a column of ours as another type.
    pub(super) fn converted_text(&self, name: &str, from: &DataType, to: &DataType) -> Vec<Piece> {
        let nowhere = Span::new(usize::MAX, usize::MAX);
        let text = self.converted(nowhere, from, to, false);
        let text = text.unwrap_or_else(|| pieces!["CAST(", nowhere, format!(" AS {to})")]);
        let put = |piece| match piece {
            Piece::Source(span) if span == nowhere => Piece::from(name),
            other => other,
        };
        text.into_iter().map(put).collect()
    }
}

/// Whether a side's column is converted.
fn casts(own: &Output, column: &Output) -> bool {
    own.data_type != column.data_type
        && column.data_type != DataType::Void
        && settled(&own.data_type)
        && settled(&column.data_type)
}

fn combined(left: &Columns, right: &Columns, operator: &str) -> Result<Columns, SqlError> {
    if left.open || right.open || operator.contains("BY NAME") {
        return Ok(Columns { open: left.open || right.open, ..left.clone() });
    }
    let word = operator.split(' ').next().unwrap_or("UNION");
    let word = if matches!(word, "MINUS" | "SETMINUS") { "EXCEPT" } else { word };
    if left.list.len() != right.list.len() {
        let text = format!(
            "{word} can only be performed on inputs with the same number of columns, but the first input has {} columns and the second input has {} columns.",
            left.list.len(),
            right.list.len()
        );
        return Err(SqlError::new("NUM_COLUMNS_MISMATCH", "42826", text));
    }
    let mut list = Vec::new();
    for (at, (left, right)) in left.list.iter().zip(&right.list).enumerate() {
        let (a, b) = (&left.data_type, &right.data_type);
        if apart(a, b) {
            let place = ["first", "second", "third"]
                .get(at)
                .map_or_else(|| format!("{}th", at + 1), |word| (*word).to_owned());
            let text = format!(
                "{word} can only be performed on tables with compatible column types. The {place} column of the second table is \"{b}\" type which is not compatible with \"{a}\" at the same column of the first table."
            );
            return Err(SqlError::new("INCOMPATIBLE_COLUMN_TYPE", "42825", text));
        }
        if operator != "UNION ALL" && (holds_map(a) || holds_map(b)) {
            let text = format!(
                "The feature is not supported: Cannot have MAP type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, etc.), but the type of column {} is \"{a}\".",
                crate::token::quote_name(&left.name)
            );
            return Err(SqlError::new("UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", "0A000", text));
        }
        list.push(Output::new(left.name.clone(), common(a, b)));
    }
    Ok(Columns { list, open: false })
}
