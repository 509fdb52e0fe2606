//! Every table, path and function a statement touches, with its place: what a caller must authorize.

use std::collections::HashSet;

use crate::command::{
    AlterAction, Command, Describe, Like, Maintain, Setting, constant_string, identifier_name,
};
use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::query::{
    Call, Expr, ExprKind, Factor, FactorKind, From, JoinRule, Node, Query, SetBody, With, tree,
};
use crate::statement::{Body, Dml, DmlKind, Statement, TargetName};
use crate::token::Span;

/// How something is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// Rows of a table or view are read.
    Read,
    /// Rows of a table are changed.
    Write,
    /// A function is called that is not known to be built in, or has several parts.
    Function,
    /// Files are read: the parts are a format and a path; of `read_files` the format is `read_files`.
    Path,
    /// Files are read, but where is only known when the statement runs: refuse unless all files are allowed.
    UnknownPath,
}

/// Something a statement touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its name as typed, not yet qualified.
    pub parts: Vec<String>,
    /// Where it stands.
    pub span: Span,
    /// How it is touched.
    pub kind: ReferenceKind,
    /// The call's first argument when it is a literal, as `secret('scope', 'key')` and `ai_query('endpoint', …)` need it.
    pub argument: Option<String>,
}

/// File formats that may stand before a path in back-ticks.
pub(crate) const FORMATS: [&str; 9] =
    ["delta", "parquet", "csv", "json", "text", "binaryfile", "orc", "avro", "xml"];

/// All references of a statement: aliases and names of common table expressions are not among them, built-in functions are not either.
///
/// `IDENTIFIER(…)` of anything but constants is an error (`NOT_A_CONSTANT_STRING`): what cannot be seen cannot be authorized.
pub fn references(statement: &Statement) -> Result<Vec<Reference>, SqlError> {
    crate::room::with_room(&statement.sql, || {
        let mut finder = Finder { sql: &statement.sql, found: Vec::new(), scopes: Vec::new() };
        finder.body(&statement.body)?;
        Ok(finder.found)
    })
}

/// The commands within `FROM` of a statement, such as `DESCRIBE HISTORY t`, as they stand in its text.
pub fn commands_within(statement: &Statement) -> Vec<String> {
    fn of_body(body: &SetBody, sql: &str, found: &mut Vec<String>) {
        match body {
            SetBody::Command(span) => found.push(span.of(sql).to_owned()),
            SetBody::Set(first, rest) => {
                of_body(first, sql, found);
                rest.iter().for_each(|(_, body)| of_body(body, sql, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    let mut visit = |node: Node<'_>| {
        if let Node::Query(query) = node {
            of_body(&query.body, &statement.sql, &mut found);
        }
    };
    match &statement.body {
        Body::Query(query) => tree::walk(Node::Query(query), &mut visit),
        Body::Dml(dml) => dml.children(&mut |node| tree::walk(node, &mut visit)),
        Body::Command(_) => {}
    }
    found
}

/// References of a query; for views and functions, whose text stands for itself.
pub(crate) fn query_references(sql: &str, query: &Query) -> Result<Vec<Reference>, SqlError> {
    let mut finder = Finder { sql, found: Vec::new(), scopes: Vec::new() };
    finder.query(query)?;
    Ok(finder.found)
}

struct Finder<'a> {
    sql: &'a str,
    found: Vec<Reference>,
    /// Names of common table expressions in sight, lower case, innermost last.
    scopes: Vec<HashSet<String>>,
}

impl Finder<'_> {
    fn push(&mut self, name: &Name, kind: ReferenceKind) {
        self.found.push(Reference { parts: name.values(), span: name.span, kind, argument: None });
    }

    fn body(&mut self, body: &Body) -> Result<(), SqlError> {
        match body {
            Body::Query(query) => self.query(query),
            Body::Dml(dml) => self.dml(dml),
            Body::Command(command) => self.command(command),
        }
    }

    fn dml(&mut self, dml: &Dml) -> Result<(), SqlError> {
        let scope = self.with(dml.with.as_ref())?;
        match &dml.target.name {
            TargetName::Name(name) => self.table(name, ReferenceKind::Write),
            TargetName::Identifier(expr, span) => {
                let name = self.identifier(expr, *span)?;
                self.table(&name, ReferenceKind::Write);
            }
        }
        // UPDATE, DELETE and MERGE read the table they change.
        if !matches!(dml.kind, DmlKind::Insert(_))
            && let TargetName::Name(name) = &dml.target.name
        {
            self.table(name, ReferenceKind::Read);
        }
        self.scopes.push(scope);
        let mut result = Ok(());
        let skip = dml.with.as_ref().map_or(0, |with| with.ctes.len());
        let mut index = 0;
        let mut nodes = Vec::new();
        dml.children(&mut |node| {
            if index >= skip {
                nodes.push(node);
            }
            index += 1;
        });
        for node in nodes {
            result = result.and_then(|()| self.node(node));
        }
        self.scopes.pop();
        result
    }

    fn command(&mut self, command: &Command) -> Result<(), SqlError> {
        match command {
            Command::Explain { statement, .. } => self.body(statement),
            Command::CreateTable(create) => {
                match &create.like {
                    Some(Like::Columns(source) | Like::Clone { source, .. }) => {
                        self.table(source, ReferenceKind::Read);
                    }
                    None => {}
                }
                create.query.iter().try_for_each(|query| self.query(query))
            }
            Command::CreateView(create) => self.query(&create.query),
            Command::Alter(alter) => match &alter.action {
                AlterAction::Query(query, _) => self.query(query),
                _ => Ok(()),
            },
            Command::Describe(Describe::Query(query)) => self.query(query),
            Command::InsertDirectory(insert) => self.query(&insert.query),
            Command::CopyInto(copy) => {
                self.table(&copy.table, ReferenceKind::Write);
                let parts = vec![copy.format.to_lowercase(), copy.path.clone()];
                self.found.push(Reference {
                    parts,
                    span: Span::default(),
                    kind: ReferenceKind::Path,
                    argument: None,
                });
                copy.items.iter().try_for_each(|item| self.expr(&item.expr))
            }
            Command::Setting(Setting::Variables(assignments)) => {
                assignments.iter().try_for_each(|(_, expr)| self.expr(expr))
            }
            Command::Setting(Setting::VariablesFrom(_, query)) => self.query(query),
            Command::Setting(Setting::Declare { default, .. }) => {
                default.iter().try_for_each(|expr| self.expr(expr))
            }
            Command::ExecuteImmediate(execute) => {
                self.expr(&execute.text)?;
                execute.using.iter().try_for_each(|(expr, _)| self.expr(expr))
            }
            Command::Maintain(Maintain::Optimize { filter, .. }) => {
                filter.iter().try_for_each(|expr| self.expr(expr))
            }
            _ => Ok(()),
        }
    }

    fn node(&mut self, node: Node<'_>) -> Result<(), SqlError> {
        match node {
            Node::Expr(expr) => self.expr(expr),
            Node::Query(query) => self.query(query),
            Node::Factor(factor) => self.factor(factor),
        }
    }

    /// What common table expressions read; gives their names.
    fn with(&mut self, with: Option<&With>) -> Result<HashSet<String>, SqlError> {
        let mut scope = HashSet::new();
        let Some(with) = with else { return Ok(scope) };
        for cte in &with.ctes {
            let mut seen = scope.clone();
            if with.recursive {
                seen.insert(cte.name.value.to_lowercase());
            }
            self.scopes.push(seen);
            let inner = self.query(&cte.query);
            self.scopes.pop();
            inner?;
            scope.insert(cte.name.value.to_lowercase());
        }
        Ok(scope)
    }

    fn query(&mut self, query: &Query) -> Result<(), SqlError> {
        let scope = self.with(query.with.as_ref())?;
        self.scopes.push(scope);
        let skip = query.with.as_ref().map_or(0, |with| with.ctes.len());
        let mut index = 0;
        let mut nodes = Vec::new();
        tree::query_children(query, &mut |node| {
            if index >= skip {
                nodes.push(node);
            }
            index += 1;
        });
        let mut result = self.commands(&query.body);
        for node in nodes {
            result = result.and_then(|()| self.node(node));
        }
        self.scopes.pop();
        result
    }

    /// `(DESCRIBE HISTORY t)` in `FROM` reads what the command reads.
    fn commands(&mut self, body: &SetBody) -> Result<(), SqlError> {
        match body {
            SetBody::Command(span) => {
                let text = span.of(self.sql);
                let mut parser = Parser::new(text)?;
                let command = parser.command()?;
                parser.expect_end()?;
                if let Command::Describe(
                    Describe::History { name, .. } | Describe::Detail(name) | Describe::Table { name, .. },
                ) = &command
                {
                    let kind = ReferenceKind::Read;
                    self.found.push(Reference { parts: name.values(), span: *span, kind, argument: None });
                }
                Ok(())
            }
            SetBody::Set(first, rest) => {
                self.commands(first)?;
                rest.iter().try_for_each(|(_, body)| self.commands(body))
            }
            _ => Ok(()),
        }
    }

    fn children(&mut self, node: Node<'_>) -> Result<(), SqlError> {
        let mut nodes = Vec::new();
        tree::children(node, &mut |child| nodes.push(child));
        nodes.into_iter().try_for_each(|child| self.node(child))
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), SqlError> {
        if let ExprKind::Call(call) = &expr.kind {
            self.call(call);
        }
        self.children(Node::Expr(expr))
    }

    fn call(&mut self, call: &Call) {
        let builtin = call.name.single().is_some_and(|name| crate::function::is_builtin(&name));
        if builtin {
            return;
        }
        let argument = call.arguments.first().and_then(|argument| constant_string(&argument.value));
        self.found.push(Reference {
            parts: call.name.values(),
            span: call.name.span,
            kind: ReferenceKind::Function,
            argument,
        });
    }

    fn from(&mut self, from: &From) -> Result<(), SqlError> {
        self.factor(&from.first)?;
        for join in &from.joins {
            self.factor(&join.right)?;
            if let JoinRule::On(condition) = &join.rule {
                self.expr(condition)?;
            }
        }
        Ok(())
    }

    fn factor(&mut self, factor: &Factor) -> Result<(), SqlError> {
        match &factor.kind {
            FactorKind::Table { name, .. } => self.table(name, ReferenceKind::Read),
            FactorKind::Identifier { expr, .. } => {
                let name = self.identifier(expr, factor.source)?;
                self.table(&name, ReferenceKind::Read);
            }
            FactorKind::Function(call) => self.table_function(call),
            FactorKind::Nested(from) => return self.from(from),
            FactorKind::Subquery(_) | FactorKind::Values(_) => {}
        }
        self.children(Node::Factor(factor))
    }

    fn identifier(&self, expr: &Expr, span: Span) -> Result<Name, SqlError> {
        let Some(text) = constant_string(expr) else {
            let text = "The expression used for the routine or clause IDENTIFIER must be a constant STRING which is NOT NULL.";
            return Err(SqlError::parse(self.sql, span, "NOT_A_CONSTANT_STRING.NOT_CONSTANT", "42601", text));
        };
        identifier_name(&text, span)
    }

    fn table(&mut self, name: &Name, kind: ReferenceKind) {
        let parts = name.values();
        if let [only] = parts.as_slice() {
            let lower = only.to_lowercase();
            if self.scopes.iter().any(|scope| scope.contains(&lower)) {
                return;
            }
        }
        if is_path(&parts) {
            let path = vec![parts[0].to_lowercase(), parts[1].clone()];
            self.found.push(Reference {
                parts: path,
                span: name.span,
                kind: ReferenceKind::Path,
                argument: None,
            });
            return;
        }
        self.push(name, kind);
    }

    fn table_function(&mut self, call: &Call) {
        let upper = call.name.single().unwrap_or_default();
        let first =
            call.arguments.iter().find(|argument| argument.name.is_none()).map(|argument| &argument.value);
        let literal = first.and_then(constant_string);
        match upper.as_str() {
            "READ_FILES" | "CLOUD_FILES" => match literal {
                Some(path) => {
                    let parts = vec!["read_files".to_owned(), path];
                    let kind = ReferenceKind::Path;
                    self.found.push(Reference { parts, span: call.name.span, kind, argument: None });
                }
                None => self.push(&call.name, ReferenceKind::UnknownPath),
            },
            "TABLE_CHANGES" => match literal.map(|text| identifier_name(&text, call.name.span)) {
                Some(Ok(name)) => self.table(&name, ReferenceKind::Read),
                _ => self.push(&call.name, ReferenceKind::UnknownPath),
            },
            _ => self.call(call),
        }
    }
}

/// Whether a two-part name is a format and a path.
pub(crate) fn is_path(parts: &[String]) -> bool {
    matches!(parts, [format, path]
        if FORMATS.contains(&format.to_lowercase().as_str())
            && (path.contains('/') || path.contains('\\') || path.contains(':') || path.contains('.')))
}
