//! The clauses of `SELECT`.

use crate::error::SqlError;
use crate::parser::{Ident, Parser};
use crate::query::call::Over;
use crate::query::expression::{Expr, ExprKind};
use crate::query::group::{Group, Grouping};
use crate::query::relation::From;
use crate::query::select::{Item, LateralView, OrderItem, Select};
use crate::token::Span;

impl Parser<'_> {
    pub(super) fn select(
        &mut self,
        start: Span,
        from: Vec<From>,
        from_span: Option<Span>,
    ) -> Result<Select, SqlError> {
        self.expect_words("SELECT")?;
        let distinct = self.words("DISTINCT");
        if !distinct && self.is_word_at(0, "ALL") && !self.is_symbol_at(1, ",") {
            self.advance();
        }
        if self.is_word_at(0, "TRANSFORM") && self.is_symbol_at(1, "(") && self.transform_script() {
            return Err(SqlError::unsupported("SELECT TRANSFORM with a script", "Use SQL functions instead"));
        }
        let items_start = self.here();
        let items = self.list(Self::item)?;
        let items_span = self.since(items_start);
        let mut select = Select {
            span: start,
            distinct,
            items,
            items_span,
            from_first: from_span.is_some(),
            from,
            from_span,
            views: Vec::new(),
            filter: None,
            group_by: None,
            having: None,
            qualify: None,
            windows: Vec::new(),
        };
        let from_start = self.here();
        if !select.from_first && self.words("FROM") {
            select.from = self.sources()?;
            select.views = self.lateral_views()?;
            select.from_span = Some(self.since(from_start));
        }
        if self.words("WHERE") {
            select.filter = Some(self.expr()?);
        }
        if self.is_words("GROUP BY") {
            select.group_by = Some(self.group_by()?);
        }
        if self.words("HAVING") {
            select.having = Some(self.expr()?);
        }
        let qualify = self.here();
        if self.words("QUALIFY") {
            let condition = self.expr()?;
            select.qualify = Some((self.since(qualify), condition));
        }
        if self.is_word_at(0, "WINDOW") && self.is_word_at(2, "AS") {
            select.windows = self.window_clause()?;
        }
        let qualify = self.here();
        if select.qualify.is_none() && self.words("QUALIFY") {
            let condition = self.expr()?;
            select.qualify = Some((self.since(qualify), condition));
        }
        select.span = self.since(start);
        Ok(select)
    }

    fn transform_script(&mut self) -> bool {
        let mark = self.mark();
        self.advance();
        let script = self.skip_brackets().is_ok() && self.is_word_at(0, "USING");
        self.reset(mark);
        script
    }

    pub(crate) fn item(&mut self) -> Result<Item, SqlError> {
        let start = self.here();
        let expr = self.expr()?;
        let (mut alias, mut aliases) = (None, Vec::new());
        let generator = matches!(expr.kind, ExprKind::Call(_));
        if self.is_word_at(0, "AS") && self.is_symbol_at(1, "(") {
            self.advance();
            aliases = self.parenthesized(Self::ident)?;
        } else if generator && self.is_symbol("(") {
            aliases = self.parenthesized(Self::ident)?;
        } else {
            alias = self.simple_alias()?;
        }
        Ok(Item { span: self.since(start), expr, alias, aliases })
    }

    pub(super) fn lateral_views(&mut self) -> Result<Vec<LateralView>, SqlError> {
        let mut views = Vec::new();
        while self.is_words("LATERAL VIEW") {
            views.push(self.lateral_view()?);
        }
        Ok(views)
    }

    pub(super) fn lateral_view(&mut self) -> Result<LateralView, SqlError> {
        let start = self.here();
        self.expect_words("LATERAL VIEW")?;
        let outer = self.words("OUTER");
        let name_start = self.here();
        let name = self.name()?;
        let call = self.call(name)?;
        let call = Expr { span: self.since(name_start), kind: ExprKind::Call(Box::new(call)) };
        let table = if self.is_word_at(0, "AS") { None } else { self.simple_alias()? };
        let mut columns = Vec::new();
        if self.words("AS") {
            columns = self.list(Self::ident)?;
        }
        Ok(LateralView { span: self.since(start), outer, call, table, columns })
    }

    pub(super) fn group_by(&mut self) -> Result<Group, SqlError> {
        let start = self.here();
        self.expect_words("GROUP BY")?;
        let mut group = Group { span: start, all: false, items: Vec::new(), sets: false, parts: Vec::new() };
        let all = self.is_word_at(0, "ALL") && ![".", "(", ","].iter().any(|mark| self.is_symbol_at(1, mark));
        if all && self.words("ALL") {
            group.all = true;
            group.span = self.since(start);
            return Ok(group);
        }
        loop {
            let part = self.group_item(&mut group)?;
            group.parts.push(part);
            if !self.symbol(",") {
                break;
            }
        }
        if let Some(word) = self.one_of(&["WITH ROLLUP", "WITH CUBE"]) {
            group.sets = true;
            let all = std::mem::take(&mut group.parts);
            let make = if word == "WITH CUBE" { Grouping::Cube } else { Grouping::Rollup };
            group.parts = vec![make(all)];
        } else if self.words("GROUPING SETS") {
            // The expressions before are those that the sets are made of.
            group.parts = vec![Grouping::Sets(self.grouping_sets(&mut group)?)];
        }
        group.span = self.since(start);
        Ok(group)
    }

    fn group_item(&mut self, group: &mut Group) -> Result<Grouping, SqlError> {
        if self.words("GROUPING SETS") {
            return Ok(Grouping::Sets(self.grouping_sets(group)?));
        }
        if self.is_symbol_at(1, "(") && (self.is_word_at(0, "ROLLUP") || self.is_word_at(0, "CUBE")) {
            let make = if self.is_word_at(0, "CUBE") { Grouping::Cube } else { Grouping::Rollup };
            self.advance();
            return Ok(make(self.grouping_sets(group)?));
        }
        group.items.push(self.expr()?);
        Ok(Grouping::One(group.items.len() - 1))
    }

    fn grouping_sets(&mut self, group: &mut Group) -> Result<Vec<Grouping>, SqlError> {
        group.sets = true;
        let mut sets = Vec::new();
        self.expect_symbol("(")?;
        loop {
            if self.is_symbol("(") && self.is_symbol_at(1, ")") {
                self.advance();
                self.advance();
                sets.push(Grouping::Nothing);
            } else if !self.is_symbol(")") {
                sets.push(self.deeper(|parser| parser.group_item(group))?);
            }
            if !self.symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        Ok(sets)
    }

    pub(super) fn window_clause(&mut self) -> Result<Vec<(Ident, Over)>, SqlError> {
        self.expect_words("WINDOW")?;
        self.list(|parser| {
            let name = parser.ident()?;
            parser.expect_words("AS")?;
            Ok((name, parser.over()?))
        })
    }

    pub(crate) fn order_item(&mut self) -> Result<OrderItem, SqlError> {
        let start = self.here();
        let expr = self.expr()?;
        let descending = self.words("DESC");
        if !descending {
            self.words("ASC");
        }
        let nulls = if self.words("NULLS FIRST") {
            Some("FIRST".to_owned())
        } else if self.words("NULLS LAST") {
            Some("LAST".to_owned())
        } else {
            None
        };
        Ok(OrderItem { span: self.since(start), expr, descending, nulls })
    }
}
