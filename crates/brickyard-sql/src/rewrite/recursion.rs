//! `WITH RECURSIVE`: an anchor and a step, which whoever runs the statement repeats until it gives no more rows.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::plan::Recursion;
use crate::query::{Cte, Query, SetBody};
use crate::references::query_references;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::numbers::common;
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::recursion_limits::{Uses, misplaced};
use crate::rewrite::scope::Columns;
use crate::token::{Span, quote_name};

/// How often the step may run when the statement does not say it.
const LEVELS: u64 = 100;

/// Gives the views of recursions names that no two statements share, for one session may run several at once.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A common table expression in sight, as the engine is told of it.
pub(crate) struct Known {
    pub(super) name: String,
    /// Its columns in parentheses, or nothing.
    columns: String,
    query: Vec<Piece>,
}

impl Known {
    /// One that stands in the statement.
    pub(crate) fn of(cte: &Cte) -> Self {
        let columns: Vec<String> = cte.columns.iter().map(|column| quote_name(&column.value)).collect();
        let columns = if columns.is_empty() { String::new() } else { format!("({})", columns.join(", ")) };
        Self { name: cte.name.value.clone(), columns, query: pieces![cte.query.span] }
    }
}

impl Planner<'_> {
    /// Plans an expression that refers to itself, and puts the view of its rows in its place; gives its columns.
    pub(crate) fn recursive(
        &mut self,
        cte: &Cte,
        env: &Env,
        user: Option<&Query>,
    ) -> Result<Columns, SqlError> {
        if self.stepping {
            return Err(SqlError::unsupported(
                "WITH RECURSIVE within the step of another",
                "Put the inner expression before the outer one",
            )
            .at(cte.span));
        }
        let depth = self.known.len();
        let env = match &cte.query.with {
            Some(with) => self.with(with, env, None)?,
            None => env.clone(),
        };
        let (anchor, step) = self.anchor_and_step(cte)?;
        let mut columns: Option<Columns> = None;
        let mut texts = Vec::new();
        for body in anchor {
            let found = self.body(body, &env)?.0;
            texts.push(self.render(span(body, cte)?)?);
            columns.get_or_insert(found);
        }
        let columns = columns.unwrap_or_default().renamed(&cte.columns);
        if columns.open {
            return Err(SqlError::unsupported(
                "WITH RECURSIVE of unknown columns",
                "Name the columns after the expression's name",
            ));
        }
        misplaced(&cte.name.value, step)?;
        let mut inner = env.clone();
        let mut ctes = (*inner.ctes).clone();
        ctes.insert(cte.name.value.to_lowercase(), columns.clone());
        inner.ctes = Rc::new(ctes);
        self.stepping = true;
        let stepped = self.body(step, &inner)?.0;
        self.stepping = false;
        same_types(cte, &columns, &stepped)?;

        let names: Vec<String> = columns.list.iter().map(|column| quote_name(&column.name)).collect();
        let names = names.join(", ");
        let typed: Vec<String> = columns
            .list
            .iter()
            .map(|column| match &column.data_type {
                DataType::Unknown | DataType::Void => quote_name(&column.name),
                data_type => format!("CAST({0} AS {data_type}) AS {0}", quote_name(&column.name)),
            })
            .collect();
        let typed = typed.join(", ");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (view, level) = (format!("__recursion_{number}"), format!("__recursion_{number}_level"));
        let known = self.known_texts()?;
        let with = |own: Option<String>| {
            let all: Vec<String> = known.iter().cloned().chain(own).collect();
            if all.is_empty() { String::new() } else { format!("WITH {} ", all.join(", ")) }
        };
        let own = format!("{}({names}) AS (SELECT * FROM `{level}`)", quote_name(&cte.name.value));
        self.recursions.push(Recursion {
            anchor: format!(
                "{}SELECT {typed} FROM ({}) AS s({names})",
                with(None),
                texts.join(" UNION ALL ")
            ),
            step: format!(
                "{}SELECT {typed} FROM ({}) AS s({names})",
                with(Some(own)),
                self.render(span(step, cte)?)?
            ),
            levels: cte.levels.map_or(LEVELS, |(_, levels)| levels),
            wanted: user.and_then(|user| Uses::of(&cte.name.value, user).at_most()),
            view: view.clone(),
            level,
        });
        self.known.truncate(depth);
        self.stands_for(cte, &view, &names);
        Ok(columns)
    }

    /// An expression whose rows are chance: they are made once, however often it is read. Gives its columns.
    pub(super) fn made_once(&mut self, cte: &Cte, columns: Columns) -> Result<Columns, SqlError> {
        let names: Vec<String> = columns.list.iter().map(|column| quote_name(&column.name)).collect();
        if columns.open || self.stepping {
            return Err(SqlError::unsupported(
                "an expression of WITH over rand(), uuid() or shuffle() that is read more than once",
                "Write its rows to a table first",
            )
            .at(cte.span));
        }
        let names = names.join(", ");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (view, level) = (format!("__recursion_{number}"), format!("__recursion_{number}_level"));
        let known = self.known_texts()?;
        let with = if known.is_empty() { String::new() } else { format!("WITH {} ", known.join(", ")) };
        let rows = self.render(cte.query.span)?;
        self.recursions.push(Recursion {
            anchor: format!("{with}SELECT * FROM ({rows}) AS s({names})"),
            step: format!("SELECT * FROM `{level}` WHERE false"),
            levels: LEVELS,
            wanted: None,
            view: view.clone(),
            level,
        });
        self.stands_for(cte, &view, &names);
        Ok(columns)
    }

    /// Puts the view of the rows in the place of an expression.
    fn stands_for(&mut self, cte: &Cte, view: &str, names: &str) {
        let query = format!("SELECT * FROM `{view}`");
        let text = format!("{}({names}) AS ({query})", quote_name(&cte.name.value));
        self.edits.replace(cte.span, pieces![text]);
        let columns_text = format!("({names})");
        self.known.push(Known { name: cte.name.value.clone(), columns: columns_text, query: pieces![query] });
    }

    /// The parts that do not refer to the expression, and the one that does.
    fn anchor_and_step<'q>(&self, cte: &'q Cte) -> Result<(Vec<&'q SetBody>, &'q SetBody), SqlError> {
        let invalid = |text: &str| SqlError::new("INVALID_RECURSIVE_CTE", "42836", text).at(cte.span);
        let shape =
            "A recursive definition must be a UNION ALL of an anchor and of a query that refers to it.";
        let query = &cte.query;
        if !query.order_by.is_empty() || query.limit.is_some() || query.offset.is_some() {
            return Err(invalid(shape));
        }
        let SetBody::Set(first, rest) = &query.body else { return Err(invalid(shape)) };
        if let Some((operator, _)) = rest.iter().find(|(operator, _)| operator != "UNION ALL") {
            if operator.starts_with("UNION") {
                let text = "The UNION operator is not yet supported within recursive common table expressions (WITH clauses that refer to themselves, directly or indirectly). Please use UNION ALL instead.";
                let class = "UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE";
                return Err(SqlError::new(class, "42836", text).at(cte.span));
            }
            return Err(invalid(shape));
        }
        let mut anchor: Vec<&SetBody> = vec![first.as_ref()];
        anchor.extend(rest.iter().map(|(_, body)| body));
        let Some(step) = anchor.pop() else { return Err(invalid(shape)) };
        let within_with =
            query.with.iter().flat_map(|with| &with.ctes).any(|inner| refers(self.sql, &inner.query, cte));
        let within_anchor = anchor.iter().any(|body| refers_in(self.sql, body, cte));
        if within_with || within_anchor || !refers_in(self.sql, step, cte) {
            return Err(invalid(shape));
        }
        Ok((anchor, step))
    }

    /// The expressions in sight, as the engine reads them.
    fn known_texts(&self) -> Result<Vec<String>, SqlError> {
        let mut texts: Vec<(String, String)> = Vec::new();
        for known in &self.known {
            let query = self.edits.of(self.sql, &known.query)?;
            let text = format!("{}{} AS ({query})", quote_name(&known.name), known.columns);
            if texts.iter().any(|(name, _)| name.eq_ignore_ascii_case(&known.name)) {
                return Err(SqlError::unsupported(
                    format!("WITH RECURSIVE where two expressions are called {}", quote_name(&known.name)),
                    "Give one of them another name",
                ));
            }
            texts.push((known.name.clone(), text));
        }
        Ok(texts.into_iter().map(|(_, text)| text).collect())
    }
}

/// Whether the expression refers to itself.
pub(crate) fn refers_to_itself(sql: &str, cte: &Cte) -> bool {
    refers(sql, &cte.query, cte)
}

fn refers(sql: &str, query: &Query, cte: &Cte) -> bool {
    query_references(sql, query).is_ok_and(|references| {
        references.iter().any(|reference| {
            reference.parts.len() == 1 && reference.parts[0].eq_ignore_ascii_case(&cte.name.value)
        })
    })
}

fn refers_in(sql: &str, body: &SetBody, cte: &Cte) -> bool {
    let query = Query { body: body.clone(), with: None, ..cte.query.clone() };
    refers(sql, &query, cte)
}

fn span(body: &SetBody, cte: &Cte) -> Result<Span, SqlError> {
    body.span().ok_or_else(|| {
        SqlError::unsupported("this WITH RECURSIVE", "Write it as anchor UNION ALL step").at(cte.span)
    })
}

/// The step's columns must fit the anchor's, which are not widened for them.
fn same_types(cte: &Cte, anchor: &Columns, step: &Columns) -> Result<(), SqlError> {
    if step.open {
        return Ok(());
    }
    if anchor.list.len() != step.list.len() {
        let text = format!(
            "UNION ALL can only be performed on inputs with the same number of columns, but the first input has {} columns and the second input has {} columns.",
            anchor.list.len(),
            step.list.len()
        );
        return Err(SqlError::new("NUM_COLUMNS_MISMATCH", "42826", text).at(cte.span));
    }
    for (one, other) in anchor.list.iter().zip(&step.list) {
        let known = |data_type: &DataType| !matches!(data_type, DataType::Unknown | DataType::Void);
        let numbers = one.data_type.is_numeric() && other.data_type.is_numeric();
        if known(&one.data_type)
            && known(&other.data_type)
            && numbers
            && common(&one.data_type, &other.data_type) != one.data_type
        {
            let text = format!(
                "Failed to merge incompatible data types \"{}\" and \"{}\". Please check the data types of the columns being merged and ensure that they are compatible. If necessary, consider casting the columns to compatible data types before attempting the merge.",
                one.data_type, other.data_type
            );
            return Err(SqlError::new("CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE", "42825", text)
                .hinted(format!("Cast the anchor's column {} to the wider type", quote_name(&one.name)))
                .at(cte.span));
        }
    }
    Ok(())
}
