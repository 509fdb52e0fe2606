//! `CREATE VIEW` and `CREATE FUNCTION`.

use super::Command;
use super::create::{CreateFunction, CreateView, RoutineBody, ViewKind};
use super::create_column::ColumnDefinition;
use crate::error::SqlError;
use crate::parser::Parser;
use crate::token::TokenKind;

impl Parser<'_> {
    pub(super) fn create_view(
        &mut self,
        or_replace: bool,
        or_refresh: bool,
        kind: ViewKind,
    ) -> Result<Command, SqlError> {
        let keeps_rows = matches!(kind, ViewKind::Materialized | ViewKind::Streaming);
        let if_not_exists = self.if_not_exists();
        let name = self.object()?;
        let (mut columns, mut constraints) = (Vec::new(), Vec::new());
        let mut source = None;
        if self.symbol("(") {
            loop {
                if self.is_word_at(0, "CONSTRAINT") && self.is_word_at(2, "EXPECT") {
                    return self.unsupported("expectations (CONSTRAINT … EXPECT)");
                }
                match self.constraint()? {
                    Some(constraint) => constraints.push(constraint),
                    None => columns.push(self.view_column()?),
                }
                if !self.symbol(",") {
                    break;
                }
            }
            self.expect_symbol(")")?;
        }
        let (mut comment, mut properties) = (None, Vec::new());
        let (mut partitioned_by, mut cluster_by, mut cluster_auto) = (Vec::new(), Vec::new(), false);
        let (mut schedule, mut row_filter) = (None, None);
        loop {
            if self.words("COMMENT") {
                comment = Some(self.string()?);
            } else if self.words("TBLPROPERTIES") {
                properties = self.properties()?;
            } else if self.words("WITH SCHEMA") {
                self.words("TYPE");
                self.ident()?;
            } else if keeps_rows && self.words("PARTITIONED BY") {
                partitioned_by =
                    self.parenthesized(Self::ident)?.into_iter().map(|name| name.value).collect();
            } else if keeps_rows && self.words("CLUSTER BY") {
                cluster_auto = self.words("AUTO");
                if !cluster_auto && !self.words("NONE") {
                    cluster_by = self.parenthesized(|p| Ok(p.name()?.values().join(".")))?;
                }
            } else if keeps_rows && (self.is_words("SCHEDULE") || self.is_words("TRIGGER")) {
                schedule = Some(self.schedule()?);
            } else if self.words("WITH ROW FILTER") {
                if !keeps_rows {
                    return self.unsupported("a row filter on a view");
                }
                row_filter = Some(self.row_filter()?);
            } else if self.words("DEFAULT COLLATION") {
                self.collation()?;
            } else if self.is_words("WITH METRICS") {
                return self.unsupported("metric views");
            } else if kind == ViewKind::Temporary && self.words("USING") {
                let format = self.name()?.values().join(".");
                let options = if self.words("OPTIONS") { self.properties()? } else { Vec::new() };
                source = Some((format, options));
            } else {
                break;
            }
        }
        if kind == ViewKind::Streaming {
            if self.is_word_at(0, "FLOW") {
                return self.unsupported("flows of streaming tables (FLOW, AUTO CDC)");
            }
            if self.at_end() || self.is_symbol(";") {
                return self.unsupported("streaming tables without a query");
            }
        }
        let (query, text) = if source.is_some() {
            let mut inner = Parser::new("VALUES (1)")?;
            (inner.query()?, String::new())
        } else {
            self.expect_words("AS")?;
            let query = self.query()?;
            let text = query.span.of(self.sql).to_owned();
            (query, text)
        };
        let view = CreateView {
            or_replace,
            or_refresh,
            kind,
            if_not_exists,
            name,
            columns,
            constraints,
            comment,
            properties,
            partitioned_by,
            cluster_by,
            cluster_auto,
            schedule,
            row_filter,
            query,
            text,
            source,
        };
        Ok(Command::CreateView(Box::new(view)))
    }

    pub(super) fn view_column(&mut self) -> Result<ColumnDefinition, SqlError> {
        let name = self.ident()?.value;
        let mut column = ColumnDefinition { name, ..ColumnDefinition::untyped() };
        let options = ["COMMENT", "NOT", "MASK", "CONSTRAINT", "PRIMARY"];
        if self.kind(0) == Some(TokenKind::Word) && !options.iter().any(|word| self.is_word_at(0, word)) {
            column.data_type = self.data_type()?;
        }
        self.column_options(&mut column)?;
        Ok(column)
    }

    pub(super) fn create_function(&mut self, or_replace: bool, temporary: bool) -> Result<Command, SqlError> {
        let if_not_exists = self.if_not_exists();
        let name = self.object()?;
        if self.is_word_at(0, "AS") && self.kind(1) == Some(TokenKind::String) {
            return self.unsupported("functions of a Java class");
        }
        let parameters = self.parenthesized(|parser| {
            if parser.is_word_at(0, "IN")
                && matches!(parser.kind(1), Some(TokenKind::Word | TokenKind::Quoted))
                && parser.kind(2) == Some(TokenKind::Word)
            {
                parser.advance();
            }
            parser.column()
        })?;
        let (mut returns, mut returns_table, mut comment, mut deterministic) = (None, None, None, None);
        let (mut language, mut handler) = (String::from("SQL"), None);
        let mut environment = Vec::new();
        loop {
            if self.words("RETURNS TABLE") {
                let columns =
                    if self.is_symbol("(") { self.parenthesized(Self::column)? } else { Vec::new() };
                returns_table = Some(columns);
            } else if self.words("RETURNS") {
                returns = Some(self.data_type()?);
            } else if self.words("COMMENT") {
                comment = Some(self.string()?);
            } else if self.words("LANGUAGE") {
                language = self.ident()?.value.to_uppercase();
            } else if self.words("HANDLER") {
                handler = Some(self.string()?);
            } else if self.words("NOT DETERMINISTIC") {
                deterministic = Some(false);
            } else if self.words("DETERMINISTIC") {
                deterministic = Some(true);
            } else if self.words("DEFAULT COLLATION") {
                self.collation()?;
            } else if self.words("ENVIRONMENT") {
                environment = self.properties()?;
            } else if self
                .one_of(&[
                    "CONTAINS SQL",
                    "READS SQL DATA",
                    "SQL SECURITY DEFINER",
                    "RETURNS NULL ON NULL INPUT",
                    "CALLED ON NULL INPUT",
                ])
                .is_none()
            {
                break;
            }
        }
        let body = self.routine_body(&language, handler)?;
        let function = CreateFunction {
            or_replace,
            temporary,
            if_not_exists,
            name,
            parameters,
            returns,
            returns_table,
            comment,
            deterministic,
            environment,
            body,
        };
        Ok(Command::CreateFunction(Box::new(function)))
    }

    pub(super) fn routine_body(
        &mut self,
        language: &str,
        handler: Option<String>,
    ) -> Result<RoutineBody, SqlError> {
        if language == "PYTHON" {
            self.expect_words("AS")?;
            let text = match self.kind(0) {
                Some(TokenKind::Dollar) => {
                    self.text(0).trim_start_matches("$$").trim_end_matches("$$").to_owned()
                }
                Some(TokenKind::String) => crate::token::string_value(self.text(0)),
                _ => return Err(self.error()),
            };
            self.advance();
            return Ok(RoutineBody::Python { source: text, handler });
        }
        self.expect_words("RETURN")?;
        if self.is_query() && !self.is_symbol("(") {
            let text = self.query()?.span.of(self.sql).to_owned();
            return Ok(RoutineBody::Query(text));
        }
        let text = self.expr()?.span.of(self.sql).to_owned();
        Ok(RoutineBody::Expression(text))
    }
}
