//! What a Python file says, read once and kept as plain facts: imports, calls, functions, values, strings.
//!
//! The parser is error tolerant: a file with a syntax error still gives the facts of its good parts.

use ruff_python_ast::name::Name;

use crate::source::{Source, Span};

mod collect;
mod comment;
pub(crate) use comment::codes;
mod depth;
mod link;
mod names;
pub mod packages;
mod resolve;
mod value;

pub use value::{Part, Value};

/// Most bytes of one Python file that are parsed.
pub const LARGEST: usize = 2 << 20;
/// Stack a thread needs to read any file [`Module::read`] accepts.
pub const STACK: usize = 64 << 20;

/// One Python file.
#[derive(Debug)]
pub struct Module {
    /// The text.
    pub source: Source,
    /// Path relative to the app, with `/`.
    pub path: String,
    /// Imports, in the order written.
    pub imports: Vec<Import>,
    /// Calls, in the order written.
    pub calls: Vec<Call>,
    /// Functions; index 0 is the module itself.
    pub functions: Vec<Function>,
    /// Classes: name and qualified bases.
    pub classes: Vec<(Name, Vec<Name>)>,
    /// String literals outside f-strings, docstrings left out.
    pub strings: Vec<(Name, Span)>,
    /// f-strings.
    pub formats: Vec<Format>,
    /// `x["key"]` with a literal key: qualified `x`, key, place, whether it is written to.
    pub subscripts: Vec<Subscript>,
    /// Attribute chains as written, with the function they stand in.
    pub attributes: Vec<(Name, usize, Span)>,
    /// Assignments.
    pub assigns: Vec<Assign>,
    /// `a + b`, with values.
    pub sums: Vec<(Value, Value, usize, Span)>,
    /// Syntax errors: message and place.
    pub errors: Vec<(String, Span)>,
    /// Syntax newer than Python 3.11.
    pub newer: Vec<(String, Span)>,
    /// `# brickyard: ignore[…]` comments.
    pub ignores: Vec<(Vec<String>, Span)>,
    names: names::Names,
}

/// An `import` or one name of `from … import`.
#[derive(Debug, Clone)]
pub struct Import {
    /// Dotted module, without leading dots.
    pub module: Name,
    /// The name taken from it; `None` for a plain `import`.
    pub name: Option<Name>,
    /// Leading dots.
    pub level: u32,
    /// Where the module is named.
    pub span: Span,
    /// Whether a missing package is provided for: inside `try`, under `TYPE_CHECKING`.
    pub guarded: bool,
    /// Function it stands in.
    pub scope: usize,
}

/// A call.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about one place")]
#[derive(Debug, Clone)]
pub struct Call {
    /// What is called, with aliases and variables followed: `streamlit.set_page_config`, `flask.Flask().run`.
    pub name: Name,
    /// What is called, as written.
    pub raw: Name,
    /// Positional arguments.
    pub args: Vec<(Value, Span)>,
    /// Keyword arguments: name, value, the whole keyword.
    pub keywords: Vec<(Name, Value, Span)>,
    /// Whether `**` or `*` hides arguments.
    pub open: bool,
    /// What follows `**`; empty once the whole file is read.
    spread: Vec<(Value, Span)>,
    /// The whole call.
    pub span: Span,
    /// What is called.
    pub func: Span,
    /// Function it stands in.
    pub scope: usize,
    /// Whether it stands under `if __name__ == "__main__"`.
    pub main: bool,
    /// Whether it is awaited.
    pub awaited: bool,
    /// Whether it stands under any `if` or `try`.
    pub conditional: bool,
    /// Whether a `with` statement closes what it returns.
    pub managed: bool,
    /// Whether it stands in a `lambda`, which runs later.
    pub later: bool,
}

impl Call {
    /// The value of a keyword.
    pub fn keyword(&self, name: &str) -> Option<(&Value, Span)> {
        self.keywords.iter().find(|(key, ..)| key == name).map(|(_, value, span)| (value, *span))
    }

    /// The value of an argument by keyword or position.
    pub fn argument(&self, name: &str, position: usize) -> Option<(&Value, Span)> {
        self.keyword(name).or_else(|| self.args.get(position).map(|(value, span)| (value, *span)))
    }

    /// The last word of the name.
    pub fn method(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

/// A function, or the module as function 0.
#[derive(Debug, Clone, Default)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Qualified decorators, calls with `()`.
    pub decorators: Vec<(Name, Span)>,
    /// First literal argument of each decorator call.
    pub routes: Vec<(Name, Option<Name>, Span)>,
    /// Names of parameters, with their annotation as written.
    pub parameters: Vec<(Name, Option<Name>)>,
    /// The function around it.
    pub parent: usize,
    /// The class around it.
    pub class: Option<Name>,
    /// Whether it is `async`.
    pub is_async: bool,
    /// The name.
    pub span: Span,
    /// The whole.
    pub body: Span,
    /// What it returns.
    pub returns: Vec<Value>,
    /// Whether it is a generator: its body runs when it is iterated.
    pub yields: bool,
    /// Names it declares `global`.
    pub globals: Vec<Name>,
}

/// `name = value`.
#[derive(Debug, Clone)]
pub struct Assign {
    /// Dotted target.
    pub target: Name,
    /// Value.
    pub value: Value,
    /// Function it stands in.
    pub scope: usize,
    /// The statement.
    pub span: Span,
}

/// An f-string.
#[derive(Debug, Clone)]
pub struct Format {
    /// Its parts.
    pub parts: Vec<Part>,
    /// Function it stands in.
    pub scope: usize,
    /// The whole.
    pub span: Span,
}

/// `base["key"]`.
#[derive(Debug, Clone)]
pub struct Subscript {
    /// What is indexed, qualified.
    pub base: Name,
    /// The literal key.
    pub key: Name,
    /// The whole expression.
    pub span: Span,
    /// Function it stands in.
    pub scope: usize,
    /// Whether a value is put there.
    pub stored: bool,
    /// Whether it stands under any `if` or `try`.
    pub conditional: bool,
}

impl Module {
    /// Reads a file. Call on a thread with [`STACK`] bytes of stack.
    pub fn read(source: Source, path: String) -> Self {
        collect::module(source, path)
    }

    /// Whether the module itself gives a name a meaning: by an assignment, an import, a function or a class.
    pub fn binds(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(names::Known::is_of_module)
            || self
                .functions
                .iter()
                .skip(1)
                .any(|function| function.name == name && function.parent == 0 && function.class.is_none())
            || self.classes.iter().any(|(class, _)| class == name)
            || self.source.text().contains(&format!("for {name} in"))
    }

    /// Whether the workspace stores the file as a notebook.
    pub fn is_notebook(&self) -> bool {
        self.source.slice(self.source.line_span(0)).trim_end() == "# Databricks notebook source"
    }

    /// The function and those around it, innermost first, ending with 0.
    pub fn scopes(&self, scope: usize) -> impl Iterator<Item = usize> + '_ {
        let mut next = Some(scope);
        std::iter::from_fn(move || {
            let here = next?;
            next = (here != 0).then(|| self.functions[here].parent);
            Some(here)
        })
    }

    /// Whether a call or import of this module is reached when the file is only imported.
    pub fn runs_at_import(&self, scope: usize, main: bool) -> bool {
        scope == 0 && !main
    }

    /// The span of a statement's first line, for findings about a whole function.
    pub fn text(&self, span: Span) -> &str {
        self.source.slice(span)
    }
}
