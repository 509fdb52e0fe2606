//! Batches without rows: the engine reads one from a file whose rows are all deleted, and computes over it what raises errors. What
//! could fail there is put behind conditions of which no row fulfils one.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Call, Expr, When};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;
use crate::token::Span;

/// A condition that never holds, which the engine does not see: of several branches it takes those alone that rows choose.
pub(super) const NEVER: &str = "rand() < 0";

impl Planner<'_> {
    /// Gives a `CASE` within which an error is raised branches that rows must choose: another one beside a single one, and one in the
    /// place of `ELSE`.
    pub(super) fn guard_case(
        &mut self,
        operand: Option<&Expr>,
        whens: &[When],
        otherwise: Option<&Expr>,
    ) -> Result<(), SqlError> {
        let Some(last) = whens.last().map(|when| when.result.span) else { return Ok(()) };
        let rest = otherwise.map(|otherwise| otherwise.span);
        let condition = |never: &str| match operand {
            None => pieces![format!(" WHEN {never} THEN ")],
            Some(operand) => pieces![format!(" WHEN CASE WHEN {never} THEN "), operand.span, " END THEN "],
        };
        if let Some(rest) = rest
            && operand.is_none()
            && self.raises(rest)?
        {
            self.edits.replace(Span::new(last.end, rest.start), condition("rand() >= 0"));
            return Ok(());
        }
        if whens.len() > 1 {
            return Ok(());
        }
        if self.raises(last)? {
            let mut text = pieces![last];
            text.extend(condition(NEVER));
            text.push(Piece::from("NULL"));
            self.edits.replace(last, text);
        }
        Ok(())
    }

    /// Whether what is planned for a text raises errors by itself.
    fn raises(&self, span: Span) -> Result<bool, SqlError> {
        let text = self.render(span)?;
        Ok(["raise_error(", "assert_true(", "element_at("].iter().any(|call| text.contains(call)))
    }

    /// Puts a form that does without rows in the place of such a call; `false` for calls that stay.
    pub(super) fn without_rows(
        &mut self,
        expr: &Expr,
        name: &str,
        call: &Call,
        types: &[DataType],
    ) -> Result<bool, SqlError> {
        let spans: Vec<Span> = call.arguments.iter().map(|argument| argument.value.span).collect();
        let first = types.first().cloned().unwrap_or_default();
        let text = match (name, spans.as_slice()) {
            ("if" | "iff", [condition, yes, no])
                if (types[1] == types[2] || types[1..].contains(&DataType::Void))
                    && self.raises(expr.span)? =>
            {
                let otherwise = if self.raises(*no)? { "WHEN rand() >= 0 THEN " } else { "ELSE " };
                pieces![
                    "CASE WHEN ",
                    *condition,
                    " THEN ",
                    *yes,
                    format!(" WHEN {NEVER} THEN NULL {otherwise}"),
                    *no,
                    " END"
                ]
            }
            ("element_at", [array, index]) if matches!(first, DataType::Array(_)) => {
                let zero = "'[INVALID_INDEX_OF_ZERO] The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1). SQLSTATE: 22003'";
                let open = "'[INVALID_ARRAY_INDEX_IN_ELEMENT_AT] The index '";
                let between = "' is out of bounds. The array has '";
                let close = "' elements. Use `try_element_at` to tolerate accessing element at invalid index and return NULL instead. SQLSTATE: 22003'";
                pieces![
                    "CASE WHEN (",
                    *array,
                    ") IS NULL OR (",
                    *index,
                    ") IS NULL THEN NULL WHEN (",
                    *index,
                    format!(") = 0 THEN raise_error({zero}) WHEN abs("),
                    *index,
                    ") > array_size(",
                    *array,
                    format!(") THEN raise_error(concat({open}, CAST(("),
                    *index,
                    format!(") AS STRING), {between}, CAST(array_size("),
                    *array,
                    format!(") AS STRING), {close})) WHEN {NEVER} THEN NULL ELSE try_element_at("),
                    *array,
                    ", ",
                    *index,
                    ") END"
                ]
            }
            ("array_max" | "array_min", [array]) => pieces![
                "CASE WHEN array_size(",
                *array,
                ") > 0 THEN ",
                expr.span,
                format!(" WHEN {NEVER} THEN NULL END")
            ],
            ("assert_true", [condition, rest @ ..]) => {
                let shown = condition.of(self.sql).trim();
                let said = match rest {
                    [said] => pieces![*said],
                    _ => pieces![crate::token::string_literal(&format!("'{shown}' is not true!"))],
                };
                let mut text = pieces![
                    "CASE WHEN NOT coalesce(",
                    *condition,
                    ", false) THEN raise_error(concat('[USER_RAISED_EXCEPTION] ', "
                ];
                text.extend(said);
                text.extend(pieces![format!(", '. SQLSTATE: P0001')) WHEN {NEVER} THEN NULL END")]);
                text
            }
            // The engine takes from the first array whether elements may be NULL.
            ("array_union", [left, right]) => {
                for side in [left, right] {
                    let element = "`__u` -> CASE WHEN rand() < 2 THEN `__u` END";
                    self.edits.replace(*side, pieces!["transform(", *side, format!(", {element})")]);
                }
                return Ok(false);
            }
            _ => return Ok(false),
        };
        self.edits.replace(expr.span, text);
        Ok(true)
    }
}
