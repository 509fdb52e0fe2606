//! Queries: `WITH`, `SELECT`, set operations, pipes.

use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::alias::Alias;
use crate::query::call::Over;
use crate::query::expression::Expr;
use crate::query::group::Group;
use crate::query::pipe::Pipe;
use crate::query::relation::{Factor, From};
use crate::query::with::With;
use crate::token::{Span, TokenKind};

/// A query with everything around its body.
#[derive(Debug, Clone)]
pub struct Query {
    /// Where it stands.
    pub span: Span,
    /// `WITH`.
    pub with: Option<With>,
    /// What gives the rows.
    pub body: SetBody,
    /// `ORDER BY`, and `SORT BY`, `CLUSTER BY`, `DISTRIBUTE BY` after their words.
    pub order_by: Vec<OrderItem>,
    /// Where the `ORDER BY` clause stands.
    pub order_span: Option<Span>,
    /// `SORT BY`, `CLUSTER BY`, `DISTRIBUTE BY`.
    pub spread: Vec<OrderItem>,
    /// `WINDOW name AS (…)`.
    pub windows: Vec<(Ident, Over)>,
    /// `LIMIT`; `ALL` is none.
    pub limit: Option<Expr>,
    /// `OFFSET`.
    pub offset: Option<Expr>,
    /// `|> …`.
    pub pipes: Vec<Pipe>,
}

/// What gives the rows of a query.
#[derive(Debug, Clone)]
pub enum SetBody {
    /// `SELECT …`, also `FROM … SELECT …`.
    Select(Box<Select>),
    /// `VALUES (…), (…)`.
    Values(Span, Vec<Expr>),
    /// `TABLE name`.
    Table(Box<Factor>),
    /// `FROM a, b` alone, before pipes.
    From(Span, Vec<From>),
    /// `(query)`, with where the parentheses stand.
    Query(Span, Box<Query>),
    /// `a UNION b …`: the first and then upper-case operators with their operands.
    Set(Box<SetBody>, Vec<(String, SetBody)>),
    /// `DESCRIBE HISTORY t`, `DESCRIBE DETAIL t`, `SHOW …` in parentheses in `FROM`: a command whose rows are read.
    Command(Span),
}

/// `SELECT`.
#[derive(Debug, Clone)]
pub struct Select {
    /// Where it stands.
    pub span: Span,
    /// `DISTINCT`.
    pub distinct: bool,
    /// The select list.
    pub items: Vec<Item>,
    /// Where the select list stands.
    pub items_span: Span,
    /// `FROM`.
    pub from: Vec<From>,
    /// Where `FROM …` with lateral views stands.
    pub from_span: Option<Span>,
    /// Whether `FROM` was written first.
    pub from_first: bool,
    /// `LATERAL VIEW`.
    pub views: Vec<LateralView>,
    /// `WHERE`.
    pub filter: Option<Expr>,
    /// `GROUP BY`.
    pub group_by: Option<Group>,
    /// `HAVING`.
    pub having: Option<Expr>,
    /// `QUALIFY`: the clause and its condition.
    pub qualify: Option<(Span, Expr)>,
    /// `WINDOW`.
    pub windows: Vec<(Ident, Over)>,
}

/// An entry of a select list.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it stands, with its alias.
    pub span: Span,
    /// The value.
    pub expr: Expr,
    /// `AS name`.
    pub alias: Option<Ident>,
    /// `AS (a, b)` of a generator.
    pub aliases: Vec<Ident>,
}

/// `LATERAL VIEW [OUTER] f(…) t AS a, b`.
#[derive(Debug, Clone)]
pub struct LateralView {
    /// Where it stands.
    pub span: Span,
    /// `OUTER`.
    pub outer: bool,
    /// The generator.
    pub call: Expr,
    /// The table's alias.
    pub table: Option<Ident>,
    /// The columns' aliases.
    pub columns: Vec<Ident>,
}

/// An entry of `ORDER BY`.
#[derive(Debug, Clone)]
pub struct OrderItem {
    /// Where it stands.
    pub span: Span,
    /// What is ordered by.
    pub expr: Expr,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST` or `NULLS LAST`: `FIRST`, `LAST`.
    pub nulls: Option<String>,
}

impl Parser<'_> {
    /// A query that is all there is before the next `)` or `,`; nothing where an expression stands, such as `(SELECT 1) + 1`.
    pub(crate) fn whole_query(&mut self, ends: &[&str]) -> Result<Option<Query>, SqlError> {
        if !self.is_query() {
            return Ok(None);
        }
        if !self.is_symbol("(") {
            return self.query().map(Some);
        }
        let mark = self.at;
        match self.query() {
            Ok(query) if ends.iter().any(|end| self.is_symbol(end)) => Ok(Some(query)),
            _ => {
                self.at = mark;
                Ok(None)
            }
        }
    }

    /// Whether a query is next.
    pub(crate) fn is_query(&self) -> bool {
        let mut ahead = 0;
        while self.is_symbol_at(ahead, "(") {
            ahead += 1;
        }
        let followed = |words: &[&str]| words.iter().any(|word| self.is_word_at(ahead, word));
        if self.is_symbol_at(ahead + 1, ".")
            || self.is_symbol_at(ahead + 1, ",")
            || self.is_symbol_at(ahead + 1, ")")
        {
            return false;
        }
        if followed(&["SELECT"]) {
            return true;
        }
        let function = self.is_symbol_at(ahead + 1, "(");
        if followed(&["VALUES"]) {
            return true;
        }
        (followed(&["WITH", "FROM", "TABLE", "DESCRIBE", "DESC", "SHOW"]))
            && !function
            && matches!(
                self.kind(ahead + 1),
                Some(crate::token::TokenKind::Word | crate::token::TokenKind::Quoted)
            )
    }

    /// Reads a query.
    pub(crate) fn query(&mut self) -> Result<Query, SqlError> {
        self.deeper_by(3, Self::query_inner)
    }

    fn query_inner(&mut self) -> Result<Query, SqlError> {
        let start = self.here();
        let with = if self.is_word_at(0, "WITH") { Some(self.with()?) } else { None };
        self.query_after(start, with)
    }

    /// The rest of a query after its `WITH`.
    pub(crate) fn query_after(&mut self, start: Span, with: Option<With>) -> Result<Query, SqlError> {
        let body = self.set_body()?;
        let mut query = Query {
            span: start,
            with,
            body,
            order_by: Vec::new(),
            order_span: None,
            spread: Vec::new(),
            windows: Vec::new(),
            limit: None,
            offset: None,
            pipes: Vec::new(),
        };
        loop {
            let clause = self.here();
            if query.order_by.is_empty() && self.words("ORDER BY") {
                query.order_by = self.list(Self::order_item)?;
                query.order_span = Some(self.since(clause));
            } else if self.words("SORT BY") || self.words("CLUSTER BY") || self.words("DISTRIBUTE BY") {
                query.spread.extend(self.list(Self::order_item)?);
            } else if query.limit.is_none() && self.words("LIMIT") {
                if !self.words("ALL") {
                    query.limit = Some(self.expr()?);
                }
            } else if query.offset.is_none() && self.words("OFFSET") {
                query.offset = Some(self.expr()?);
                self.one_of(&["ROWS", "ROW"]);
            } else if query.windows.is_empty() && self.is_word_at(0, "WINDOW") && self.is_word_at(2, "AS") {
                query.windows = self.window_clause()?;
            } else {
                break;
            }
        }
        while self.is_symbol("|>") {
            if query.pipes.len() > 60 {
                return Err(self.error());
            }
            let pipe = self.pipe()?;
            query.pipes.push(pipe);
        }
        query.span = self.since(start);
        Ok(query)
    }

    fn set_body(&mut self) -> Result<SetBody, SqlError> {
        let first = self.intersection()?;
        let mut rest = Vec::new();
        while let Some(operator) = self.set_operator(&["UNION", "EXCEPT", "MINUS", "SETMINUS"]) {
            rest.push((operator, self.intersection()?));
        }
        Ok(if rest.is_empty() { first } else { SetBody::Set(Box::new(first), rest) })
    }

    fn intersection(&mut self) -> Result<SetBody, SqlError> {
        let first = self.set_primary()?;
        let mut rest = Vec::new();
        while let Some(operator) = self.set_operator(&["INTERSECT"]) {
            rest.push((operator, self.set_primary()?));
        }
        Ok(if rest.is_empty() { first } else { SetBody::Set(Box::new(first), rest) })
    }

    pub(super) fn set_operator(&mut self, words: &[&'static str]) -> Option<String> {
        let word = self.one_of(words)?;
        let mut operator = word.to_owned();
        if let Some(quantity) = self.one_of(&["ALL", "DISTINCT"]) {
            operator = format!("{operator} {quantity}");
        }
        if self.words("BY NAME") {
            operator.push_str(" BY NAME");
        }
        Some(operator)
    }

    pub(super) fn set_primary(&mut self) -> Result<SetBody, SqlError> {
        let start = self.here();
        if self.is_symbol("(") {
            self.advance();
            let query = self.query()?;
            self.expect_symbol(")")?;
            return Ok(SetBody::Query(self.since(start), Box::new(query)));
        }
        if self.is_word_at(0, "SELECT") {
            return Ok(SetBody::Select(Box::new(self.select(start, Vec::new(), None)?)));
        }
        let mark = self.mark();
        if self.words("VALUES") {
            let rows = self.list(Self::expr)?;
            const NEXT: [&str; 7] = ["UNION", "EXCEPT", "MINUS", "SETMINUS", "INTERSECT", "LIMIT", "OFFSET"];
            let word = self.kind(0) == Some(TokenKind::Word) && self.is_symbol_at(1, "(");
            if self.is_word_at(0, "AS") || (word && !NEXT.iter().any(|word| self.is_word_at(0, word))) {
                self.reset(mark);
                let mut factor = self.factor()?;
                factor.span = self.since(start);
                return Ok(SetBody::Table(Box::new(factor)));
            }
            return Ok(SetBody::Values(self.since(start), rows));
        }
        if self.words("TABLE") {
            let mut factor = self.factor()?;
            factor.span = self.since(start);
            return Ok(SetBody::Table(Box::new(factor)));
        }
        if self.words("FROM") {
            let from = self.sources()?;
            let views = self.lateral_views()?;
            if self.is_word_at(0, "SELECT") {
                let span = self.since(start);
                let mut select = self.select(start, from, Some(span))?;
                if !views.is_empty() {
                    select.views = views;
                }
                return Ok(SetBody::Select(Box::new(select)));
            }
            if !views.is_empty() {
                return Err(self.error());
            }
            return Ok(SetBody::From(self.since(start), from));
        }
        if self.is_word_at(0, "DESCRIBE") || self.is_word_at(0, "DESC") || self.is_word_at(0, "SHOW") {
            while !self.at_end() && !self.is_symbol(")") {
                if self.is_symbol("(") {
                    self.skip_brackets()?;
                } else {
                    self.advance();
                }
            }
            return Ok(SetBody::Command(self.since(start)));
        }
        Err(self.error())
    }
}

/// Parts of an alias that name the relation.
impl Alias {
    /// The relation's name, if it has one.
    pub fn relation(&self) -> Option<&str> {
        self.name.as_ref().map(|name| name.value.as_str())
    }
}

/// Parts of a name for messages.
impl Name {
    /// The parts in back-ticks with dots between, as messages print it.
    pub fn quoted(&self) -> String {
        self.parts.iter().map(|part| crate::token::quote_name(&part.value)).collect::<Vec<_>>().join(".")
    }
}
