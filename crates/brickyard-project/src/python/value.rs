use ruff_python_ast::name::Name;
use ruff_python_ast::{Expr, InterpolatedStringElement, Number, UnaryOp};

/// An expression, as far as the rules look into it.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// A string.
    Text(Name),
    /// A whole number.
    Int(i64),
    /// `True` or `False`.
    Bool(bool),
    /// `None`.
    None,
    /// A name or attribute chain, as written.
    Name(Name),
    /// A call: what is called as written, positional and keyword arguments.
    Call(Name, Vec<Value>, Vec<(Name, Value)>),
    /// An f-string.
    Format(Vec<Part>),
    /// `a[b]`.
    Index(Box<Value>, Box<Value>),
    /// One of several: `a or b`, `a if c else b`, several assignments.
    Either(Vec<Value>),
    /// A list, tuple or set.
    List(Vec<Value>),
    /// A dictionary with its literal keys.
    Dict(Vec<(Name, Value)>),
    /// Anything else.
    #[default]
    Other,
}

/// A part of an f-string.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(Name),
    /// `{value}`.
    Value(Value),
}

/// Longest text kept of one literal, in bytes; the rest does not matter to any rule.
const LONGEST: usize = 4096;
const DEEPEST: usize = 5;

pub(super) fn clip(text: &str) -> Name {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Name::new(&text[..end])
}

/// The value of an expression.
pub(super) fn of(expr: &Expr) -> Value {
    at(expr, 0)
}

fn at(expr: &Expr, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Other;
    }
    let inner = |expr: &Expr| at(expr, depth + 1);
    match expr {
        Expr::StringLiteral(text) => Value::Text(clip(text.value.to_str())),
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(int) => {
                int.as_u64().and_then(|int| i64::try_from(int).ok()).map_or(Value::Other, Value::Int)
            }
            _ => Value::Other,
        },
        Expr::UnaryOp(unary) => match (unary.op, inner(&unary.operand)) {
            (UnaryOp::USub, Value::Int(int)) => Value::Int(-int),
            _ => Value::Other,
        },
        Expr::BooleanLiteral(boolean) => Value::Bool(boolean.value),
        Expr::NoneLiteral(_) => Value::None,
        Expr::Name(_) | Expr::Attribute(_) => dotted(expr).map_or(Value::Other, Value::Name),
        Expr::Call(call) => match dotted(&call.func) {
            Some(name) => Value::Call(
                name,
                call.arguments.args.iter().take(8).map(inner).collect(),
                call.arguments
                    .keywords
                    .iter()
                    .take(24)
                    .filter_map(|keyword| Some((keyword.arg.as_ref()?.id.clone(), inner(&keyword.value))))
                    .collect(),
            ),
            None => Value::Other,
        },
        Expr::FString(format) => Value::Format(parts(format.value.elements(), depth + 1)),
        Expr::Subscript(subscript) => {
            Value::Index(inner(&subscript.value).into(), inner(&subscript.slice).into())
        }
        Expr::BoolOp(bool_op) => Value::Either(bool_op.values.iter().take(8).map(inner).collect()),
        Expr::If(ternary) => Value::Either(vec![inner(&ternary.body), inner(&ternary.orelse)]),
        Expr::Await(awaited) => inner(&awaited.value),
        Expr::Named(named) => inner(&named.value),
        Expr::List(list) => Value::List(list.elts.iter().take(64).map(inner).collect()),
        Expr::Tuple(list) => Value::List(list.elts.iter().take(64).map(inner).collect()),
        Expr::Set(list) => Value::List(list.elts.iter().take(64).map(inner).collect()),
        Expr::Dict(dict) => Value::Dict(
            dict.items
                .iter()
                .take(64)
                .filter_map(|item| match item.key.as_ref()? {
                    Expr::StringLiteral(key) => Some((clip(key.value.to_str()), inner(&item.value))),
                    _ => None,
                })
                .collect(),
        ),
        _ => Value::Other,
    }
}

pub(super) fn parts<'a>(
    elements: impl Iterator<Item = &'a InterpolatedStringElement>,
    depth: usize,
) -> Vec<Part> {
    elements
        .take(64)
        .map(|element| match element {
            InterpolatedStringElement::Literal(text) => Part::Text(clip(&text.value)),
            InterpolatedStringElement::Interpolation(value) => Part::Value(at(&value.expression, depth + 1)),
        })
        .collect()
}

/// Most links of a chain: names, points, calls and subscripts.
const LONGEST_CHAIN: usize = 25;

/// `a.b().c[]` for a chain of names, calls and subscripts; `None` for anything else or beyond [`LONGEST_CHAIN`] links.
pub(super) fn dotted(expr: &Expr) -> Option<Name> {
    if let Expr::Name(name) = expr {
        return Some(name.id.clone());
    }
    // From the last link to the first, as the tree has them.
    let mut links = [""; LONGEST_CHAIN + 1];
    let mut free = links.len();
    let mut here = expr;
    loop {
        if links.len() - free >= LONGEST_CHAIN {
            return None;
        }
        let mut add = |link| {
            free -= 1;
            links[free] = link;
        };
        match here {
            Expr::Name(name) => {
                add(name.id.as_str());
                return Some(Name::concat(&links[free..]));
            }
            Expr::Attribute(attribute) => {
                add(attribute.attr.as_str());
                add(".");
                here = &attribute.value;
            }
            Expr::Call(call) => {
                add("()");
                here = &call.func;
            }
            Expr::Subscript(subscript) => {
                add("[]");
                here = &subscript.value;
            }
            Expr::Await(awaited) => here = &awaited.value,
            _ => return None,
        }
    }
}
