//! The walk over the tree of one file that writes its facts down.

use ruff_python_ast::name::Name;
use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{Expr, PythonVersion, Stmt, StmtFunctionDef};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

use crate::python::comment::{IGNORE, codes};
use crate::python::depth::too_deep;
use crate::python::names::Names;
use crate::python::value::{self, dotted};
use crate::python::{Assign, Call, Function, Module, Value};
use crate::source::{Source, Span};

mod visit;

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
        names: Names::default(),
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
        later: false,
        chain: None,
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

#[expect(clippy::struct_excessive_bools, reason = "each is a place in the tree the walk is in")]
struct Collector {
    module: Module,
    scope: usize,
    class: Option<Name>,
    main: bool,
    guarded: bool,
    conditional: usize,
    awaited: bool,
    storing: bool,
    managed: bool,
    later: bool,
    /// What is called, as written, where the walk goes into it next.
    chain: Option<Name>,
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

    fn bind(&mut self, target: &Expr, value: Value, span: Span) {
        match target {
            Expr::Tuple(tuple) => {
                for target in &tuple.elts {
                    self.bind(target, Value::Other, span);
                }
            }
            _ => {
                if let Some(name) = dotted(target) {
                    let outside = name.starts_with("self.")
                        || self.module.functions[self.scope].globals.contains(&name);
                    let scope = if outside { 0 } else { self.scope };
                    let index = self.module.assigns.len();
                    match self.class.as_ref().filter(|_| !name.contains('.')) {
                        // `port = 8000` in a class is `Settings.port`, and `self.port` in its methods.
                        Some(class) => {
                            let own = Name::concat(&[class.as_str(), ".", name.as_str()]);
                            self.module.names.assign(own, scope, index);
                            self.module.names.assign(Name::concat(&["self.", name.as_str()]), 0, index);
                        }
                        None => self.module.names.assign(name.clone(), scope, index),
                    }
                    self.module.assigns.push(Assign { target: name, value, scope: self.scope, span });
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
                (parameter.parameter.name.id.clone(), annotation)
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
                        (Name::concat(&[dotted(&call.func)?.as_str(), "()"]), text)
                    }
                    other => (dotted(other)?, None),
                };
                Some((name, argument, decorator.range().into()))
            })
            .collect::<Vec<_>>();
        self.module.functions.push(Function {
            name: def.name.id.clone(),
            decorators: Vec::new(),
            routes,
            parameters,
            parent: self.scope,
            class: self.class.clone(),
            is_async: def.is_async,
            span: def.name.range().into(),
            body: def.range().into(),
            returns: Vec::new(),
            yields: false,
            globals: Vec::new(),
        });
        self.module.names.function(def.name.id.clone(), index);
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

    fn alias(&mut self, name: Name, full: Name) {
        self.module.names.import(name, self.scope, full);
    }

    /// Follows names in everything collected; imports may stand below the code that uses them.
    fn finish(self) -> Module {
        let mut module = self.module;
        let mut calls = std::mem::take(&mut module.calls);
        for call in &mut calls {
            call.name = module.qualify_name(&call.raw, call.scope);
            spread(&module, call);
        }
        module.calls = calls;
        let mut subscripts = std::mem::take(&mut module.subscripts);
        for subscript in &mut subscripts {
            subscript.base = module.qualify_name(&subscript.base, subscript.scope);
        }
        module.subscripts = subscripts;
        for index in 0..module.functions.len() {
            let parent = module.functions[index].parent;
            let mut routes = std::mem::take(&mut module.functions[index].routes);
            for (name, ..) in &mut routes {
                *name = module.qualify_name(name, parent);
            }
            let function = &mut module.functions[index];
            function.decorators = routes.iter().map(|(name, _, span)| (name.clone(), *span)).collect();
            function.routes = routes;
        }
        module
    }
}

/// Puts what `**options` holds among the keywords, where the module says what it is.
fn spread(module: &Module, call: &mut Call) {
    for (value, span) in std::mem::take(&mut call.spread) {
        match module.follow(&value, call.scope) {
            Value::Dict(items) => {
                call.keywords.extend(items.into_iter().map(|(name, value)| (name, value, span)));
            }
            Value::Call(name, _, items) if name == "dict" => {
                call.keywords.extend(items.into_iter().map(|(name, value)| (name, value, span)));
            }
            _ => call.open = true,
        }
    }
}

fn annotation(expr: &Expr) -> Option<Name> {
    match expr {
        Expr::StringLiteral(text) => Some(Name::new(text.value.to_str())),
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
