use std::collections::HashMap;

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Arguments, Expr, ExprContext, PythonVersion, Stmt, StmtFunctionDef};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

use crate::python::value::{self, clip, dotted};
use crate::python::{Assign, Call, Format, Function, Import, Module, Subscript, Value};
use crate::source::{Source, Span};

/// The words before the codes of an ignore comment.
pub(crate) const IGNORE: &str = "brickyard: ignore";
/// Most open brackets `CPython` itself accepts.
const DEEPEST_BRACKETS: usize = 200;
/// Longest line of operators and names without a comma; longer ones make trees too deep to walk.
const LONGEST_CHAIN: usize = 3_000;

pub(super) fn module(source: Source, path: String) -> Module {
    let module = Module {
        path,
        imports: Vec::new(),
        calls: Vec::new(),
        functions: vec![Function::default()],
        classes: Vec::new(),
        strings: Vec::new(),
        formats: Vec::new(),
        subscripts: Vec::new(),
        attributes: Vec::new(),
        assigns: Vec::new(),
        sums: Vec::new(),
        errors: Vec::new(),
        newer: Vec::new(),
        ignores: Vec::new(),
        names: HashMap::new(),
        aliases: HashMap::new(),
        by_name: HashMap::new(),
        source,
    };
    let mut collector = Collector {
        module,
        scope: 0,
        class: None,
        main: false,
        guarded: false,
        conditional: 0,
        awaited: false,
        storing: false,
        managed: false,
    };
    let source = collector.module.source.clone();
    let text = source.text();
    if text.len() > super::LARGEST {
        let message = format!("File is larger than {} bytes and was not read", super::LARGEST);
        collector.module.errors.push((message, Span::new(0, 0)));
        return collector.module;
    }
    if let Some(span) = too_deep(text) {
        collector.module.errors.push(("Code is nested too deeply".to_owned(), span));
        return collector.module;
    }
    let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY311);
    let Some(parsed) = parse_unchecked(text, options).try_into_module() else { return collector.module };
    for error in parsed.errors() {
        collector.module.errors.push((error.error.to_string(), error.location.into()));
    }
    for error in parsed.unsupported_syntax_errors() {
        collector.module.newer.push((error.to_string(), error.range.into()));
    }
    if text.contains(IGNORE) {
        for token in parsed.tokens() {
            let span = Span::from(token.range());
            if token.kind() == TokenKind::Comment
                && let Some(codes) = codes(source.slice(span))
            {
                collector.module.ignores.push((codes, span));
            }
        }
    }
    collector.body(&parsed.syntax().body);
    collector.finish()
}

/// The codes of `# brickyard: ignore[A, B]`; an empty list means all.
pub(crate) fn codes(comment: &str) -> Option<Vec<String>> {
    let rest = &comment[comment.find(IGNORE)? + IGNORE.len()..];
    let Some(list) = rest.strip_prefix('[') else { return Some(Vec::new()) };
    let list = list.split(']').next().unwrap_or_default();
    Some(list.split(',').map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()).collect())
}

/// Where a text is nested so deeply that walking its tree could exhaust the stack.
fn too_deep(text: &str) -> Option<Span> {
    let (mut depth, mut chain) = (0usize, 0usize);
    let mut word = false;
    for (at, byte) in text.bytes().enumerate() {
        let place = || Some(Span::new(at, at + 1));
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' | b';' | b'#' | b'"' | b'\'' => chain = 0,
            b'\n' if depth == 0 => chain = 0,
            _ => {}
        }
        let now = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        if (!now && !byte.is_ascii_whitespace() && !matches!(byte, b',' | b';' | b'\n' | b'#' | b'"' | b'\''))
            || (now && !word)
        {
            chain += 1;
        }
        word = now;
        if depth > DEEPEST_BRACKETS || chain > LONGEST_CHAIN {
            return place();
        }
    }
    None
}

#[expect(clippy::struct_excessive_bools, reason = "each is a place in the tree the walk is in")]
struct Collector {
    module: Module,
    scope: usize,
    class: Option<String>,
    main: bool,
    guarded: bool,
    conditional: usize,
    awaited: bool,
    storing: bool,
    managed: bool,
}

impl Collector {
    fn body(&mut self, body: &[Stmt]) {
        for (index, stmt) in body.iter().enumerate() {
            if index == 0
                && let Stmt::Expr(expr) = stmt
                && expr.value.is_string_literal_expr()
            {
                continue;
            }
            self.visit_stmt(stmt);
        }
    }

    fn bind(&mut self, target: &Expr, value: &Value, span: Span) {
        match target {
            Expr::Tuple(tuple) => {
                for target in &tuple.elts {
                    self.bind(target, &Value::Other, span);
                }
            }
            _ => {
                if let Some(name) = dotted(target) {
                    let scope = if name.starts_with("self.") { 0 } else { self.scope };
                    self.module.names.entry((scope, name.clone())).or_default().push(value.clone());
                    self.module.assigns.push(Assign {
                        target: name,
                        value: value.clone(),
                        scope: self.scope,
                        span,
                    });
                }
            }
        }
    }

    fn function(&mut self, def: &StmtFunctionDef) {
        for decorator in &def.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        let parameters = def
            .parameters
            .iter_non_variadic_params()
            .map(|parameter| {
                let annotation = parameter.annotation().and_then(annotation);
                (parameter.parameter.name.to_string(), annotation)
            })
            .collect();
        for parameter in def.parameters.iter_non_variadic_params() {
            if let Some(default) = &parameter.default {
                self.visit_expr(default);
            }
        }
        let index = self.module.functions.len();
        let routes = def
            .decorator_list
            .iter()
            .filter_map(|decorator| {
                let (name, argument) = match &decorator.expression {
                    Expr::Call(call) => {
                        let first = call.arguments.args.first().map(value::of);
                        let text = match first {
                            Some(Value::Text(text)) => Some(text),
                            _ => None,
                        };
                        (format!("{}()", dotted(&call.func)?), text)
                    }
                    other => (dotted(other)?, None),
                };
                Some((name, argument, decorator.range().into()))
            })
            .collect::<Vec<_>>();
        self.module.functions.push(Function {
            name: def.name.to_string(),
            decorators: Vec::new(),
            routes,
            parameters,
            parent: self.scope,
            class: self.class.clone(),
            is_async: def.is_async,
            span: def.name.range().into(),
            body: def.range().into(),
            returns: Vec::new(),
        });
        self.module.by_name.entry(def.name.to_string()).or_insert(index);
        let before = (self.scope, self.main, self.class.take());
        (self.scope, self.main) = (index, false);
        self.body(&def.body);
        (self.scope, self.main, self.class) = before;
    }

    fn nested(&mut self, guarded: bool, visit: impl FnOnce(&mut Self)) {
        let before = self.guarded;
        self.guarded |= guarded;
        self.conditional += 1;
        visit(self);
        self.conditional -= 1;
        self.guarded = before;
    }

    fn alias(&mut self, name: &str, full: String) {
        self.module.aliases.insert((self.scope, name.to_owned()), full);
    }

    /// Follows names in everything collected; imports may stand below the code that uses them.
    fn finish(self) -> Module {
        let mut module = self.module;
        let mut calls = std::mem::take(&mut module.calls);
        for call in &mut calls {
            call.name = module.qualify(&call.raw, call.scope);
        }
        module.calls = calls;
        let mut subscripts = std::mem::take(&mut module.subscripts);
        for subscript in &mut subscripts {
            subscript.base = module.qualify(&subscript.base, subscript.scope);
        }
        module.subscripts = subscripts;
        for index in 0..module.functions.len() {
            let parent = module.functions[index].parent;
            let routes = module.functions[index].routes.clone();
            let decorators: Vec<(String, Span)> =
                routes.iter().map(|(name, _, span)| (module.qualify(name, parent), *span)).collect();
            let routes = routes
                .into_iter()
                .map(|(name, argument, span)| (module.qualify(&name, parent), argument, span))
                .collect();
            module.functions[index].decorators = decorators;
            module.functions[index].routes = routes;
        }
        module
    }
}

/// Name, value and place of a keyword argument.
type Keyword = (String, Value, Span);

/// Positional and keyword arguments, and whether some are hidden behind `*`.
fn arguments(arguments: &Arguments) -> (Vec<(Value, Span)>, Vec<Keyword>, bool) {
    let args = arguments
        .args
        .iter()
        .take_while(|argument| !argument.is_starred_expr())
        .map(|argument| (value::of(argument), argument.range().into()))
        .collect();
    let keywords = arguments
        .keywords
        .iter()
        .filter_map(|keyword| {
            Some((keyword.arg.as_ref()?.to_string(), value::of(&keyword.value), keyword.range().into()))
        })
        .collect();
    let open = arguments.args.iter().any(Expr::is_starred_expr)
        || arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
    (args, keywords, open)
}

fn annotation(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        Expr::Subscript(subscript) => match dotted(&subscript.value)?.as_str() {
            "Optional" | "typing.Optional" | "Annotated" | "typing.Annotated" => {
                match subscript.slice.as_ref() {
                    Expr::Tuple(tuple) => dotted(tuple.elts.first()?),
                    inner => dotted(inner),
                }
            }
            _ => None,
        },
        Expr::BinOp(either) => dotted(&either.left),
        other => dotted(other),
    }
}

fn is_main(test: &Expr) -> bool {
    let Expr::Compare(compare) = test else { return false };
    let sides = [Some(compare.left.as_ref()), compare.comparators.first()];
    sides.into_iter().flatten().any(|side| dotted(side).as_deref() == Some("__name__"))
}

fn is_type_checking(test: &Expr) -> bool {
    dotted(test).is_some_and(|name| name.rsplit('.').next() == Some("TYPE_CHECKING"))
}

impl<'a> Visitor<'a> for Collector {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => self.function(def),
            Stmt::ClassDef(def) => {
                let bases = def.bases().iter().filter_map(dotted).collect::<Vec<_>>();
                let bases = bases.iter().map(|base| self.module.qualify(base, self.scope)).collect();
                self.module.classes.push((def.name.to_string(), bases));
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                let before = self.class.replace(def.name.to_string());
                self.body(&def.body);
                self.class = before;
            }
            Stmt::Import(import) => {
                for name in &import.names {
                    let full = name.name.to_string();
                    if let Some(alias) = &name.asname {
                        self.alias(alias, full.clone());
                    } else {
                        let first = full.split('.').next().unwrap_or_default().to_owned();
                        self.alias(&first.clone(), first);
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
                let module = import.module.as_ref().map(ToString::to_string).unwrap_or_default();
                let span = import.module.as_ref().map_or(import.range(), Ranged::range).into();
                for name in &import.names {
                    let prefix = ".".repeat(import.level as usize);
                    let full = format!("{prefix}{module}.{}", name.name);
                    let alias = name.asname.as_ref().unwrap_or(&name.name).to_string();
                    self.alias(&alias, full);
                    self.module.imports.push(Import {
                        module: module.clone(),
                        name: Some(name.name.to_string()),
                        level: import.level,
                        span,
                        guarded: self.guarded,
                        scope: self.scope,
                    });
                }
            }
            Stmt::Assign(assign) => {
                let value = value::of(&assign.value);
                for target in &assign.targets {
                    self.bind(target, &value, assign.range().into());
                    self.storing = true;
                    self.visit_expr(target);
                    self.storing = false;
                }
                self.visit_expr(&assign.value);
            }
            Stmt::AnnAssign(assign) => {
                let value = assign.value.as_deref().map(value::of);
                if let Some(value) = value {
                    self.bind(&assign.target, &value, assign.range().into());
                }
                if let Some(value) = &assign.value {
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
                        self.bind(target, &value, item.range().into());
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
            Stmt::Expr(expr) if expr.value.is_string_literal_expr() => {}
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let storing = std::mem::take(&mut self.storing);
        let awaited = std::mem::take(&mut self.awaited);
        let managed = std::mem::take(&mut self.managed);
        match expr {
            Expr::Call(call) => {
                if let Some(raw) = dotted(&call.func) {
                    let (args, keywords, open) = arguments(&call.arguments);
                    self.module.calls.push(Call {
                        name: String::new(),
                        raw,
                        args,
                        keywords,
                        open,
                        span: call.range().into(),
                        func: call.func.range().into(),
                        scope: self.scope,
                        main: self.main,
                        awaited,
                        conditional: self.conditional > 0,
                        managed,
                    });
                }
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
                if let (Some(base), Expr::StringLiteral(key)) =
                    (dotted(&subscript.value), subscript.slice.as_ref())
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
                if let Some(name) = dotted(expr) {
                    self.module.attributes.push((name, self.scope, attribute.range().into()));
                }
                // Inner links of the chain are part of this one; only what is called or indexed inside is new.
                let mut inner = attribute.value.as_ref();
                while let Expr::Attribute(next) = inner {
                    inner = &next.value;
                }
                self.visit_expr(inner);
            }
            Expr::BinOp(sum) if sum.op == ruff_python_ast::Operator::Add => {
                let (left, right) = (value::of(&sum.left), value::of(&sum.right));
                self.module.sums.push((left, right, self.scope, sum.range().into()));
                walk_expr(self, expr);
            }
            _ => walk_expr(self, expr),
        }
    }
}
