//! Statements that change rows: `INSERT`, `UPDATE`, `DELETE`, `MERGE`.

use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::{Alias, Expr, Query};
use crate::token::Span;

/// A change of rows.
#[derive(Debug, Clone)]
pub struct Dml {
    /// `WITH` before it; it is also the `WITH` of `source` when that is a query.
    pub with: Option<crate::query::With>,
    /// The table that changes.
    pub target: Target,
    /// How.
    pub kind: DmlKind,
}

/// The table that changes.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name; a path has a format as its first part.
    pub name: TargetName,
    /// Its alias.
    pub alias: Option<Alias>,
}

/// How the changed table is named.
#[derive(Debug, Clone)]
pub enum TargetName {
    /// By name.
    Name(Name),
    /// By `IDENTIFIER(…)`.
    Identifier(Expr, Span),
}

/// The kinds of changes.
#[derive(Debug, Clone)]
pub enum DmlKind {
    /// `INSERT INTO|OVERWRITE`.
    Insert(Insert),
    /// `UPDATE`.
    Update { assignments: Vec<(Name, Expr)>, filter: Option<Expr> },
    /// `DELETE FROM`.
    Delete { filter: Option<Expr> },
    /// `MERGE INTO`.
    Merge(Merge),
}

/// `INSERT`.
#[derive(Debug, Clone)]
pub struct Insert {
    /// `WITH SCHEMA EVOLUTION`.
    pub schema_evolution: bool,
    /// `OVERWRITE`.
    pub overwrite: bool,
    /// `BY NAME`.
    pub by_name: bool,
    /// The column list.
    pub columns: Vec<Ident>,
    /// Where the column list stands.
    pub columns_span: Option<Span>,
    /// `PARTITION (…)`: where it stands, columns and values.
    pub partition: Option<(Span, Vec<(Ident, Option<Expr>)>)>,
    /// `REPLACE WHERE condition`.
    pub replace_where: Option<Expr>,
    /// `REPLACE USING (columns)`.
    pub replace_using: Vec<Ident>,
    /// `REPLACE ON condition`.
    pub replace_on: Option<Expr>,
    /// Where one of the last two stands.
    pub replace_span: Option<Span>,
    /// The rows.
    pub source: Query,
    /// Their alias.
    pub source_alias: Option<Alias>,
}

/// `MERGE`.
#[derive(Debug, Clone)]
pub struct Merge {
    /// `WITH SCHEMA EVOLUTION`, where it stands.
    pub schema_evolution: Option<Span>,
    /// What is merged.
    pub source: crate::query::Factor,
    /// How rows are matched.
    pub condition: Expr,
    /// The clauses in order.
    pub clauses: Vec<MergeClause>,
}

/// `WHEN … THEN …`.
#[derive(Debug, Clone)]
pub struct MergeClause {
    /// `MATCHED`, `NOT MATCHED`, `NOT MATCHED BY SOURCE`.
    pub when: String,
    /// `AND condition`.
    pub condition: Option<Expr>,
    /// What is done.
    pub action: MergeAction,
}

/// What a clause of `MERGE` does.
#[derive(Debug, Clone)]
pub enum MergeAction {
    /// `DELETE`.
    Delete,
    /// `UPDATE SET *`.
    UpdateAll(Span),
    /// `UPDATE SET a = b, …`.
    Update(Vec<(Name, Expr)>),
    /// `INSERT *`.
    InsertAll(Span),
    /// `INSERT (columns) VALUES (…)`.
    Insert(Vec<Name>, Vec<Expr>),
}

impl Parser<'_> {
    fn target(&mut self, alias: bool) -> Result<Target, SqlError> {
        let start = self.here();
        let name = if self.is_word_at(0, "IDENTIFIER") && self.is_symbol_at(1, "(") {
            self.advance();
            self.advance();
            let expr = self.expr()?;
            self.expect_symbol(")")?;
            TargetName::Identifier(expr, self.since(start))
        } else {
            TargetName::Name(self.name()?)
        };
        let alias = if alias { self.alias()? } else { None };
        Ok(Target { name, alias })
    }

    pub(super) fn insert(&mut self) -> Result<Dml, SqlError> {
        self.expect_words("INSERT")?;
        let before = self.words("WITH SCHEMA EVOLUTION");
        let overwrite = self.words("OVERWRITE");
        if !overwrite {
            self.expect_words("INTO")?;
        }
        if self.is_word_at(0, "TABLE") && !self.is_symbol_at(1, ".") {
            self.advance();
        }
        let mut target = self.target(false)?;
        let named = !self.is_word_at(0, "BY") && (self.is_word_at(1, "BY") || self.is_word_at(1, "REPLACE"));
        if self.is_word_at(0, "AS") || named {
            target.alias = self.alias()?;
        }
        let mut insert = Insert {
            schema_evolution: before || self.words("WITH SCHEMA EVOLUTION"),
            overwrite,
            by_name: false,
            columns: Vec::new(),
            columns_span: None,
            partition: None,
            replace_where: None,
            replace_using: Vec::new(),
            replace_on: None,
            replace_span: None,
            source_alias: None,
            source: Query {
                span: Span::default(),
                with: None,
                body: crate::query::SetBody::Values(Span::default(), Vec::new()),
                order_by: Vec::new(),
                order_span: None,
                spread: Vec::new(),
                windows: Vec::new(),
                limit: None,
                offset: None,
                pipes: Vec::new(),
            },
        };
        let partition_start = self.here();
        if self.words("PARTITION") {
            let columns = self.parenthesized(|parser| {
                let column = parser.ident()?;
                let value = if parser.symbol("=") { Some(parser.expr()?) } else { None };
                Ok((column, value))
            })?;
            insert.partition = Some((self.since(partition_start), columns));
        }
        let columns_start = self.here();
        if self.words("BY NAME") {
            insert.by_name = true;
        } else if self.is_symbol("(") && !self.is_query() {
            insert.columns = self.parenthesized(Self::ident)?;
            insert.columns_span = Some(self.since(columns_start));
        }
        let replace_start = self.here();
        if self.words("REPLACE WHERE") {
            insert.replace_where = Some(self.expr()?);
        } else if self.words("REPLACE USING") {
            insert.replace_using = self.parenthesized(Self::ident)?;
            insert.replace_span = Some(self.since(replace_start));
        } else if self.words("REPLACE ON") {
            insert.replace_on = Some(self.expr()?);
            insert.replace_span = Some(self.since(replace_start));
        }
        if !self.is_query() {
            return Err(self.error());
        }
        insert.source = self.query()?;
        if insert.replace_span.is_some() {
            insert.source_alias = self.alias()?;
        }
        Ok(Dml { with: None, target, kind: DmlKind::Insert(insert) })
    }

    fn assignments(&mut self) -> Result<Vec<(Name, Expr)>, SqlError> {
        self.list(|parser| {
            let column = parser.name()?;
            if !parser.symbol("=") {
                parser.expect_symbol("==")?;
            }
            Ok((column, parser.expr()?))
        })
    }

    pub(super) fn update(&mut self) -> Result<Dml, SqlError> {
        self.expect_words("UPDATE")?;
        let target = self.target(true)?;
        self.expect_words("SET")?;
        let assignments = self.assignments()?;
        let filter = if self.words("WHERE") { Some(self.expr()?) } else { None };
        Ok(Dml { with: None, target, kind: DmlKind::Update { assignments, filter } })
    }

    pub(super) fn delete(&mut self) -> Result<Dml, SqlError> {
        self.expect_words("DELETE FROM")?;
        let target = self.target(true)?;
        let filter = if self.words("WHERE") { Some(self.expr()?) } else { None };
        Ok(Dml { with: None, target, kind: DmlKind::Delete { filter } })
    }

    pub(super) fn merge(&mut self) -> Result<Dml, SqlError> {
        self.expect_words("MERGE")?;
        let evolution = self.here();
        let schema_evolution = self.words("WITH SCHEMA EVOLUTION").then(|| self.since(evolution));
        self.expect_words("INTO")?;
        let target = self.target(true)?;
        self.expect_words("USING")?;
        let source = self.factor()?;
        self.expect_words("ON")?;
        let condition = self.expr()?;
        let mut clauses = Vec::new();
        while self.words("WHEN") {
            clauses.push(self.merge_clause()?);
        }
        if clauses.is_empty() {
            return Err(self.error());
        }
        let merge = Merge { schema_evolution, source, condition, clauses };
        Ok(Dml { with: None, target, kind: DmlKind::Merge(merge) })
    }

    fn merge_clause(&mut self) -> Result<MergeClause, SqlError> {
        const WHEN: [&str; 4] = ["NOT MATCHED BY SOURCE", "NOT MATCHED BY TARGET", "NOT MATCHED", "MATCHED"];
        let when = self.one_of(&WHEN).ok_or_else(|| self.error())?.trim_end_matches(" BY TARGET").to_owned();
        let condition = if self.words("AND") { Some(self.expr()?) } else { None };
        self.expect_words("THEN")?;
        let action = if self.words("DELETE") {
            MergeAction::Delete
        } else if self.words("UPDATE SET") {
            let star = self.here();
            if self.symbol("*") {
                MergeAction::UpdateAll(star)
            } else {
                MergeAction::Update(self.assignments()?)
            }
        } else if self.words("INSERT") {
            let star = self.here();
            if self.symbol("*") {
                MergeAction::InsertAll(star)
            } else {
                let columns = self.parenthesized(Self::name)?;
                self.expect_words("VALUES")?;
                MergeAction::Insert(columns, self.parenthesized(Self::expr)?)
            }
        } else {
            return Err(self.error());
        };
        Ok(MergeClause { when, condition, action })
    }
}

impl Dml {
    /// The expressions and queries within, in the order of the text.
    pub fn children<'a>(&'a self, visit: &mut dyn FnMut(crate::query::Node<'a>)) {
        use crate::query::Node;
        if let Some(with) = &self.with {
            with.ctes.iter().for_each(|cte| visit(Node::Query(&cte.query)));
        }
        if let TargetName::Identifier(expr, _) = &self.target.name {
            visit(Node::Expr(expr));
        }
        match &self.kind {
            DmlKind::Insert(insert) => {
                for value in
                    insert.partition.iter().flat_map(|(_, columns)| columns).filter_map(|(_, v)| v.as_ref())
                {
                    visit(Node::Expr(value));
                }
                insert.replace_where.iter().for_each(|expr| visit(Node::Expr(expr)));
                insert.replace_on.iter().for_each(|expr| visit(Node::Expr(expr)));
                visit(Node::Query(&insert.source));
            }
            DmlKind::Update { assignments, filter } => {
                assignments.iter().for_each(|(_, expr)| visit(Node::Expr(expr)));
                filter.iter().for_each(|expr| visit(Node::Expr(expr)));
            }
            DmlKind::Delete { filter } => filter.iter().for_each(|expr| visit(Node::Expr(expr))),
            DmlKind::Merge(merge) => {
                visit(Node::Factor(&merge.source));
                visit(Node::Expr(&merge.condition));
                for clause in &merge.clauses {
                    clause.condition.iter().for_each(|expr| visit(Node::Expr(expr)));
                    match &clause.action {
                        MergeAction::Update(assignments) => {
                            assignments.iter().for_each(|(_, expr)| visit(Node::Expr(expr)));
                        }
                        MergeAction::Insert(_, values) => {
                            values.iter().for_each(|expr| visit(Node::Expr(expr)));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
