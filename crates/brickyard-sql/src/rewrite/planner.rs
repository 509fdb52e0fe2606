//! The walk over a statement: queries, common table expressions, set operations, order.

use std::collections::HashMap;
use std::rc::Rc;

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::plan::{Context, Schemas};
use crate::query::{Cte, ExprKind, FactorKind, Node, Query, SetBody, With, tree};
use crate::references::{Reference, query_references};
use crate::rewrite::chance::{is_chance, uses};
use crate::rewrite::edits::{Edits, pieces};
use crate::rewrite::memberships::Place;
use crate::rewrite::orders::check_order;
use crate::rewrite::recursion::{Known, refers_to_itself};
use crate::rewrite::scope::{Columns, Output, Relation, Scope};
use crate::rewrite::unusual_calls::is_null;
use crate::statement::parse;
use crate::token::{Span, quote_name};

/// How deep views and functions may stand within one another.
const MAXIMUM_EXPANSION: usize = 24;

/// What a query sees of the queries around it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Env {
    pub outer: Option<Rc<Scope>>,
    pub ctes: Rc<HashMap<String, Columns>>,
    pub parameters: Rc<Vec<(String, String, DataType)>>,
}

/// Collects the edits of one text.
pub(crate) struct Planner<'a> {
    pub sql: &'a str,
    pub context: &'a Context,
    pub schemas: &'a dyn Schemas,
    pub edits: Edits,
    /// What is read with the rights of owners of views and functions.
    pub definer_reads: Vec<(String, Reference)>,
    /// Statements to be run before, in the same session.
    pub setup: Vec<String>,
    /// Columns the changed table must be given before.
    pub new_columns: Vec<crate::plan::Column>,
    /// Whether checked casts were put in, whose failure is an arithmetic overflow.
    pub checked: bool,
    /// Arithmetic whose types are unknown.
    pub unchecked: usize,
    /// Calls of models whose answers are not known yet.
    pub unknown_calls: Vec<crate::plan::ModelCall>,
    /// Files whose columns are not known yet.
    pub unknown_files: Vec<crate::plan::Files>,
    /// Whether a name that is an alias stands for its expression, as in a select list, or stays, as in `ORDER BY`.
    pub substitute: bool,
    /// Whether a column goes before an alias of the same name, as in `HAVING` over grouping sets.
    pub qualifies: bool,
    /// Whether the walk is in the select list of a query with `GROUP BY`.
    pub grouped: bool,
    /// Whether the entries of the next select list are used as expressions, which take no names.
    pub bare: bool,
    /// What `grouping_id()` is about.
    pub grouping_columns: Vec<Span>,
    /// Whether the walk is in a select list, where the engine has no `IN (query)`.
    pub projecting: bool,
    /// Where `IN (query)` stands in conditions on rows.
    pub places: Vec<(Span, Place)>,
    /// The outermost query of whose rows a name was found, as [`Scope::level`] counts.
    pub reached: usize,
    /// Whether a source of the select reads one row of what fits the row around.
    pub deep: bool,
    pub depth: usize,
    /// Expressions that refer to themselves, in the order in which their rows are made.
    pub recursions: Vec<crate::plan::Recursion>,
    /// Common table expressions in sight, the outermost first.
    pub known: Vec<Known>,
    /// Whether the walk is in the step of a recursion.
    pub stepping: bool,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(sql: &'a str, context: &'a Context, schemas: &'a dyn Schemas, depth: usize) -> Self {
        Self {
            sql,
            context,
            schemas,
            edits: Edits::default(),
            definer_reads: Vec::new(),
            setup: Vec::new(),
            new_columns: Vec::new(),
            checked: false,
            unchecked: 0,
            unknown_files: Vec::new(),
            unknown_calls: Vec::new(),
            substitute: true,
            qualifies: false,
            grouped: false,
            bare: false,
            grouping_columns: Vec::new(),
            projecting: false,
            places: Vec::new(),
            reached: usize::MAX,
            deep: false,
            depth,
            recursions: Vec::new(),
            known: Vec::new(),
            stepping: false,
        }
    }

    /// The rewritten text at `span`.
    pub(crate) fn render(&self, span: Span) -> Result<String, SqlError> {
        self.edits.render(self.sql, span)
    }

    /// Plans the text of a view or function in its own names, which reads with its owner's rights; gives its rewritten text and
    /// columns.
    pub(crate) fn nested(
        &mut self,
        text: &str,
        (catalog, schema, owner): (&str, &str, &str),
        parameters: Rc<Vec<(String, String, DataType)>>,
    ) -> Result<(String, Columns), SqlError> {
        if self.depth >= MAXIMUM_EXPANSION {
            let text = "Views or functions refer to one another more deeply than can be followed.";
            return Err(SqlError::new("VIEW_EXCEED_MAX_NESTED_DEPTH", "54K00", text));
        }
        crate::room::grown(|| self.nested_here(text, (catalog, schema, owner), parameters))
    }

    fn nested_here(
        &mut self,
        text: &str,
        (catalog, schema, owner): (&str, &str, &str),
        parameters: Rc<Vec<(String, String, DataType)>>,
    ) -> Result<(String, Columns), SqlError> {
        let text = crate::rewrite::without_pipes(text.to_owned())?;
        let statement = parse(&text)?;
        let Some(query) = statement.query() else {
            return Err(SqlError::syntax(&text, Span::new(0, text.len())));
        };
        let context =
            Context { catalog: catalog.to_owned(), schema: schema.to_owned(), ..self.context.clone() };
        let mut inner = Planner::new(&text, &context, self.schemas, self.depth + 1);
        let columns = inner.query(query, &Env { parameters, ..Env::default() })?;
        let rendered = inner.render(query.span)?;
        for mut reference in query_references(&text, query)? {
            if let Some(whole) = crate::plan::qualify(&reference.parts, catalog, schema)
                && !matches!(reference.kind, crate::references::ReferenceKind::Path)
            {
                reference.parts = whole;
            }
            self.definer_reads.push((owner.to_owned(), reference));
        }
        self.take_over(&mut inner);
        Ok((rendered, columns))
    }

    /// Takes over what the planner of a text within this one has found that its statement needs.
    pub(crate) fn take_over(&mut self, inner: &mut Planner<'_>) {
        self.definer_reads.append(&mut inner.definer_reads);
        self.setup.append(&mut inner.setup);
        self.recursions.append(&mut inner.recursions);
        self.unknown_files.append(&mut inner.unknown_files);
        self.unknown_calls.append(&mut inner.unknown_calls);
        self.checked |= inner.checked;
        self.unchecked += inner.unchecked;
    }

    /// A query; gives its columns.
    pub(crate) fn query(&mut self, query: &Query, env: &Env) -> Result<Columns, SqlError> {
        let known = self.known.len();
        let env = match &query.with {
            Some(with) => self.with(with, env, Some(query))?,
            None => env.clone(),
        };
        let columns = self.query_body(query, &env)?;
        self.known.truncate(known);
        Ok(columns)
    }

    /// A query without its `WITH`.
    fn query_body(&mut self, query: &Query, env: &Env) -> Result<Columns, SqlError> {
        let saved = std::mem::replace(&mut self.substitute, true);
        let (columns, scope) = self.body(&query.body, env)?;
        let mut scope = scope.unwrap_or_else(|| Scope { ctes: env.ctes.clone(), ..Scope::default() });
        let outputs = Relation { columns: columns.clone(), ..Relation::default() };
        scope.relations.insert(0, outputs);
        scope.outer.clone_from(&env.outer);
        self.substitute = false;
        if let [only] = query.order_by.as_slice() {
            let all = matches!(&only.expr.kind, crate::query::ExprKind::Name(name) if name.single().as_deref() == Some("ALL"));
            let named = scope.relations.iter().any(|relation| relation.columns.find("all").is_some());
            if all && !named {
                self.order_by_all(query, &columns)?;
                self.substitute = saved;
                return Ok(columns);
            }
        }
        for item in query.order_by.iter().chain(&query.spread) {
            let data_type = self.order_key(&item.expr, &scope)?;
            check_order(self.sql, &item.expr, &data_type)?;
        }
        self.order_of_groups(query, &columns)?;
        self.substitute = true;
        let empty = Scope { ctes: env.ctes.clone(), parameters: env.parameters.clone(), ..Scope::default() };
        for expr in query.limit.iter().chain(&query.offset) {
            self.expr(expr, &empty)?;
            if is_null(expr) {
                let shown = expr.span.of(self.sql);
                let text = format!(
                    "The limit like expression \"{shown}\" is invalid. The evaluated limit expression must not be null."
                );
                return Err(
                    SqlError::new("INVALID_LIMIT_LIKE_EXPRESSION.IS_NULL", "42K0E", text).at(expr.span)
                );
            }
            if let ExprKind::Unary(operator, _) = &expr.kind
                && operator == "-"
            {
                let shown = expr.span.of(self.sql);
                let text = format!(
                    "The limit like expression \"{shown}\" is invalid. The limit expression must be equal to or greater than 0, but got {shown}."
                );
                let class = "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE";
                return Err(SqlError::new(class, "42K0E", text).at(expr.span));
            }
        }
        self.substitute = saved;
        Ok(columns)
    }

    /// The common table expressions; gives the environment with them in sight. `user` is the query that has them.
    pub(crate) fn with(&mut self, with: &With, env: &Env, user: Option<&Query>) -> Result<Env, SqlError> {
        let mut inner = env.clone();
        if with.recursive {
            let word =
                self.sql[with.span.start..].to_uppercase().find("RECURSIVE").map(|at| with.span.start + at);
            if let Some(start) = word {
                self.edits.replace(Span::new(start, start + "RECURSIVE".len()), pieces![""]);
            }
        }
        for (at, cte) in with.ctes.iter().enumerate() {
            let same = |other: &&Cte| other.name.value.eq_ignore_ascii_case(&cte.name.value);
            if with.ctes[..at].iter().any(|other| same(&other)) {
                let name = quote_name(&cte.name.value);
                let text = format!("CTE definition can't have duplicate names: {name}.");
                return Err(SqlError::new("DUPLICATED_CTE_NAMES", "42602", text).at(cte.span));
            }
            let columns = if with.recursive && refers_to_itself(self.sql, cte) {
                self.recursive(cte, &inner, user)?
            } else {
                let columns = self.query(&cte.query, &inner)?.renamed(&cte.columns);
                self.keep_columns(&cte.query)?;
                if let Some((span, _)) = cte.levels {
                    self.edits.replace(span, pieces![""]);
                }
                if user.is_some_and(|user| is_chance(&cte.query) && uses(user, &cte.name.value) > 1) {
                    self.made_once(cte, columns)?
                } else {
                    self.known.push(Known::of(cte));
                    columns
                }
            };
            let mut ctes = (*inner.ctes).clone();
            ctes.insert(cte.name.value.to_lowercase(), columns);
            inner.ctes = Rc::new(ctes);
        }
        Ok(inner)
    }

    /// The rows of a body; with the scope of its names when it is a `SELECT`, for `ORDER BY`.
    pub(crate) fn body(&mut self, body: &SetBody, env: &Env) -> Result<(Columns, Option<Scope>), SqlError> {
        match body {
            SetBody::Select(select) => {
                self.select(select, env).map(|(columns, scope)| (columns, Some(scope)))
            }
            SetBody::Values(_, rows) => self.values(rows, env).map(|columns| (columns, None)),
            SetBody::Table(factor) => {
                let scope = self.scope(env);
                let relation = self.factor(factor, &scope, env)?;
                if matches!(factor.kind, FactorKind::Values(_)) {
                    self.edits.replace(factor.span, pieces!["SELECT * FROM ", factor.span]);
                    return Ok((relation.columns, None));
                }
                // `TABLE t` takes no subquery in place of its name.
                let text = self.render(factor.source)?;
                let alias =
                    factor.kind_name().map(|name| format!(" AS {}", quote_name(&name))).unwrap_or_default();
                let alias =
                    if text.starts_with('(') && !text.contains(" AS ") { alias } else { String::new() };
                self.edits.replace(factor.span, pieces![format!("SELECT * FROM {text}{alias}")]);
                Ok((relation.columns, None))
            }
            SetBody::From(..) => Err(SqlError::unsupported("FROM without SELECT", "Put SELECT * before it")),
            SetBody::Query(_, query) => self.query(query, env).map(|columns| (columns, None)),
            SetBody::Set(first, rest) => self.set(first, rest, env).map(|columns| (columns, None)),
            SetBody::Command(span) => Err(SqlError::unsupported(
                format!(
                    "{} as rows of a query",
                    span.of(self.sql).split_whitespace().take(2).collect::<Vec<_>>().join(" ")
                ),
                "Run the command by itself",
            )),
        }
    }

    /// `VALUES`.
    pub(crate) fn values(&mut self, rows: &[crate::query::Expr], env: &Env) -> Result<Columns, SqlError> {
        let scope = self.scope(env);
        let mut columns: Vec<(Vec<Span>, Vec<DataType>)> = Vec::new();
        for row in rows {
            if let Some(at) = subquery(row) {
                let text = "Unsupported subquery expression: Scalar subqueries in the VALUES clause.";
                let class = "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.SCALAR_SUBQUERY_IN_VALUES";
                return Err(SqlError::new(class, "0A000", text)
                    .hinted("Write SELECT in place of VALUES")
                    .at(at));
            }
            let cells = match &row.kind {
                crate::query::ExprKind::Tuple(cells) => cells.iter().collect(),
                crate::query::ExprKind::Call(call) if call.name.single().as_deref() == Some("STRUCT") => {
                    call.arguments.iter().map(|argument| &argument.value).collect()
                }
                _ => vec![row],
            };
            for (index, cell) in cells.into_iter().enumerate() {
                let data_type = self.expr(cell, &scope)?;
                if columns.len() == index {
                    columns.push((Vec::new(), Vec::new()));
                }
                columns[index].0.push(cell.span);
                columns[index].1.push(data_type);
            }
        }
        let mut list = Vec::new();
        for (index, (spans, mut types)) in columns.into_iter().enumerate() {
            self.alike(&spans, &mut types, "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE")?;
            let data_type = types
                .iter()
                .fold(DataType::Void, |known, data_type| crate::rewrite::numbers::common(&known, data_type));
            list.push(Output::new(format!("col{}", index + 1), data_type));
        }
        Ok(Columns { list, open: false })
    }

    /// A scope without relations of its own.
    pub(crate) fn scope(&self, env: &Env) -> Scope {
        Scope {
            outer: env.outer.clone(),
            ctes: env.ctes.clone(),
            parameters: env.parameters.clone(),
            ..Scope::default()
        }
    }
}

/// Where a query stands within an expression.
fn subquery(expr: &crate::query::Expr) -> Option<Span> {
    let mut found = None;
    tree::walk(Node::Expr(expr), &mut |node| {
        if let Node::Query(query) = node {
            found = found.or(Some(query.span));
        }
    });
    found
}
