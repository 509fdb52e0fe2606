use ruff_python_ast::name::Name;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Arguments, Expr, ExprContext, Operator, Stmt};
use ruff_text_size::Ranged;

use super::Collector;
use crate::python::value::{self, clip, dotted};
use crate::python::{Call, Format, Import, Subscript, Value};
use crate::source::Span;

impl<'a> Visitor<'a> for Collector {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => self.function(def),
            Stmt::ClassDef(def) => {
                let bases = def.bases().iter().filter_map(dotted).collect::<Vec<_>>();
                let bases = bases.iter().map(|base| self.module.qualify(base, self.scope)).collect();
                self.module.classes.push((def.name.id.clone(), bases));
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                let before = self.class.replace(def.name.id.clone());
                self.body(&def.body);
                self.class = before;
            }
            Stmt::Import(import) => {
                for name in &import.names {
                    let full = name.name.id.clone();
                    if let Some(alias) = &name.asname {
                        self.alias(alias.id.clone(), full.clone());
                    } else {
                        let first = Name::new(full.split('.').next().unwrap_or_default());
                        self.alias(first.clone(), first);
                    }
                    self.module.imports.push(Import {
                        module: full,
                        name: None,
                        level: 0,
                        span: name.name.range().into(),
                        guarded: self.guarded,
                        scope: self.scope,
                    });
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(|module| module.id.clone()).unwrap_or_default();
                let span = import.module.as_ref().map_or(import.range(), Ranged::range).into();
                let prefix = ".".repeat(import.level as usize);
                for name in &import.names {
                    let full = Name::concat(&[prefix.as_str(), module.as_str(), ".", name.name.as_str()]);
                    self.alias(name.asname.as_ref().unwrap_or(&name.name).id.clone(), full);
                    self.module.imports.push(Import {
                        module: module.clone(),
                        name: Some(name.name.id.clone()),
                        level: import.level,
                        span,
                        guarded: self.guarded,
                        scope: self.scope,
                    });
                }
            }
            Stmt::Assign(assign) => {
                let mut value = value::of(&assign.value);
                for (index, target) in assign.targets.iter().enumerate() {
                    let last = index + 1 == assign.targets.len();
                    let value = if last { std::mem::take(&mut value) } else { value.clone() };
                    self.bind(target, value, assign.range().into());
                    self.storing = true;
                    self.visit_expr(target);
                    self.storing = false;
                }
                self.visit_expr(&assign.value);
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.bind(&assign.target, value::of(value), assign.range().into());
                    self.visit_expr(value);
                }
            }
            Stmt::Return(returned) => {
                if let Some(expr) = &returned.value {
                    let value = value::of(expr);
                    self.module.functions[self.scope].returns.push(value);
                    self.visit_expr(expr);
                }
            }
            Stmt::With(with) => {
                for item in &with.items {
                    if let Some(target) = &item.optional_vars {
                        let value = value::of(&item.context_expr);
                        self.bind(target, value, item.range().into());
                    }
                    self.managed = true;
                    self.visit_expr(&item.context_expr);
                    self.managed = false;
                }
                for stmt in &with.body {
                    self.visit_stmt(stmt);
                }
            }
            Stmt::If(branch) => {
                self.visit_expr(&branch.test);
                let before = self.main;
                self.main |= is_main(&branch.test);
                let guarded = is_type_checking(&branch.test);
                if self.main == before {
                    self.nested(guarded, |this| branch.body.iter().for_each(|stmt| this.visit_stmt(stmt)));
                } else {
                    branch.body.iter().for_each(|stmt| self.visit_stmt(stmt));
                }
                self.main = before;
                for clause in &branch.elif_else_clauses {
                    if let Some(test) = &clause.test {
                        self.visit_expr(test);
                    }
                    self.nested(guarded, |this| clause.body.iter().for_each(|stmt| this.visit_stmt(stmt)));
                }
            }
            Stmt::Try(attempt) => {
                self.nested(true, |this| attempt.body.iter().for_each(|stmt| this.visit_stmt(stmt)));
                for handler in &attempt.handlers {
                    self.nested(true, |this| this.visit_except_handler(handler));
                }
                for stmt in attempt.orelse.iter().chain(&attempt.finalbody) {
                    self.visit_stmt(stmt);
                }
            }
            Stmt::Match(choice) => {
                self.visit_expr(&choice.subject);
                for case in &choice.cases {
                    self.nested(false, |this| this.visit_match_case(case));
                }
            }
            Stmt::Global(global) => {
                let names = global.names.iter().map(|name| name.id.clone());
                self.module.functions[self.scope].globals.extend(names);
            }
            Stmt::Expr(expr) if expr.value.is_string_literal_expr() => {}
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let storing = std::mem::take(&mut self.storing);
        let awaited = std::mem::take(&mut self.awaited);
        let managed = std::mem::take(&mut self.managed);
        let chain = self.chain.take();
        match expr {
            Expr::Call(call) => {
                // `"…{}…".format(x)` is an f-string of another time.
                if call.func.as_attribute_expr().is_some_and(|func| func.value.is_string_literal_expr())
                    && let Value::Format(parts) = value::of(expr)
                {
                    self.module.formats.push(Format { parts, scope: self.scope, span: call.range().into() });
                }
                if let Some(raw) = dotted(&call.func) {
                    self.chain = Some(raw.clone());
                    let (args, keywords, spread) = arguments(&call.arguments);
                    self.module.calls.push(Call {
                        name: Name::empty(),
                        raw,
                        args,
                        keywords,
                        open: call.arguments.args.iter().any(Expr::is_starred_expr),
                        spread,
                        span: call.range().into(),
                        func: call.func.range().into(),
                        scope: self.scope,
                        main: self.main,
                        awaited,
                        conditional: self.conditional > 0,
                        managed,
                        later: self.later,
                    });
                }
                self.visit_expr(&call.func);
                self.chain = None;
                self.visit_arguments(&call.arguments);
            }
            // What follows `or` and `and`, and each side of `a if c else b`, is reached sometimes.
            Expr::BoolOp(either) => {
                for (index, value) in either.values.iter().enumerate() {
                    if index == 0 {
                        self.visit_expr(value);
                    } else {
                        self.nested(false, |this| this.visit_expr(value));
                    }
                }
            }
            Expr::If(either) => {
                self.visit_expr(&either.test);
                for side in [&either.body, &either.orelse] {
                    self.nested(false, |this| this.visit_expr(side));
                }
            }
            Expr::Named(named) => {
                self.bind(&named.target, value::of(&named.value), named.range().into());
                self.visit_expr(&named.value);
            }
            Expr::Lambda(_) => {
                let before = std::mem::replace(&mut self.later, true);
                walk_expr(self, expr);
                self.later = before;
            }
            Expr::Yield(_) | Expr::YieldFrom(_) => {
                self.module.functions[self.scope].yields = true;
                walk_expr(self, expr);
            }
            Expr::Await(inner) => {
                self.awaited = true;
                self.visit_expr(&inner.value);
                self.awaited = false;
            }
            Expr::StringLiteral(text) => {
                self.module.strings.push((clip(text.value.to_str()), text.range().into()));
            }
            Expr::FString(format) => {
                let parts = value::parts(format.value.elements(), 0);
                self.module.formats.push(Format { parts, scope: self.scope, span: format.range().into() });
                walk_expr(self, expr);
            }
            Expr::Subscript(subscript) => {
                if let Expr::StringLiteral(key) = subscript.slice.as_ref()
                    && let Some(base) = dotted(&subscript.value)
                {
                    self.module.subscripts.push(Subscript {
                        base,
                        key: clip(key.value.to_str()),
                        span: subscript.range().into(),
                        scope: self.scope,
                        stored: storing || subscript.ctx == ExprContext::Store,
                        conditional: self.conditional > 0,
                    });
                }
                walk_expr(self, expr);
            }
            Expr::Attribute(attribute) => {
                if let Some(name) = chain.or_else(|| dotted(expr)) {
                    self.module.attributes.push((name, self.scope, attribute.range().into()));
                }
                // Inner links of the chain are part of this one; only what is called or indexed inside is new.
                let mut inner = attribute.value.as_ref();
                while let Expr::Attribute(next) = inner {
                    inner = &next.value;
                }
                self.visit_expr(inner);
            }
            Expr::BinOp(sum) if sum.op == Operator::Add => {
                let (left, right) = (value::of(&sum.left), value::of(&sum.right));
                self.module.sums.push((left, right, self.scope, sum.range().into()));
                walk_expr(self, expr);
            }
            Expr::BinOp(share) if share.op == Operator::Mod && share.left.is_string_literal_expr() => {
                if let Value::Format(parts) = value::of(expr) {
                    self.module.formats.push(Format { parts, scope: self.scope, span: share.range().into() });
                }
                walk_expr(self, expr);
            }
            _ => walk_expr(self, expr),
        }
    }
}

/// Value and place of an argument.
type Placed = (Value, Span);
/// Name, value and place of a keyword argument.
type Keyword = (Name, Value, Span);

/// Positional and keyword arguments, and what follows `**`.
fn arguments(arguments: &Arguments) -> (Vec<Placed>, Vec<Keyword>, Vec<Placed>) {
    let mut args = Vec::with_capacity(arguments.args.len());
    for argument in arguments.args.iter().take_while(|argument| !argument.is_starred_expr()) {
        args.push((value::of(argument), argument.range().into()));
    }
    let mut keywords = Vec::with_capacity(arguments.keywords.len());
    let mut spread = Vec::new();
    for keyword in &arguments.keywords {
        let (value, span) = (value::of(&keyword.value), keyword.range().into());
        match &keyword.arg {
            Some(name) => keywords.push((name.id.clone(), value, span)),
            None => spread.push((value, span)),
        }
    }
    (args, keywords, spread)
}

fn is_main(test: &Expr) -> bool {
    let Expr::Compare(compare) = test else { return false };
    let sides = [Some(compare.left.as_ref()), compare.comparators.first()];
    sides.into_iter().flatten().any(|side| dotted(side).as_deref() == Some("__name__"))
}

fn is_type_checking(test: &Expr) -> bool {
    dotted(test).is_some_and(|name| name.rsplit('.').next() == Some("TYPE_CHECKING"))
}
