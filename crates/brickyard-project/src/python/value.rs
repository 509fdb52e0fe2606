use ruff_python_ast::name::Name;
use ruff_python_ast::{Expr, ExprCall, InterpolatedStringElement, Number, Operator, UnaryOp};

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
            // The pieces of a path.
            Some(name) if name.ends_with("path.join") => {
                joined(call.arguments.args.iter().take(16).map(inner).collect(), "/")
            }
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
            None => filled(call, depth),
        },
        Expr::BinOp(sum) if sum.op == Operator::Add => match (inner(&sum.left), inner(&sum.right)) {
            (left @ (Value::Text(_) | Value::Format(_)), right)
            | (left, right @ (Value::Text(_) | Value::Format(_))) => joined(vec![left, right], ""),
            _ => Value::Other,
        },
        // Nothing is divided by a text: this is a path.
        Expr::BinOp(path) if path.op == Operator::Div => match inner(&path.right) {
            right @ (Value::Text(_) | Value::Format(_)) => joined(vec![inner(&path.left), right], "/"),
            _ => Value::Other,
        },
        Expr::BinOp(share) if share.op == Operator::Mod => match (&*share.left, inner(&share.right)) {
            (Expr::StringLiteral(text), right) => {
                let values = match right {
                    Value::List(values) => values,
                    value => vec![value],
                };
                let text = text.value.to_str();
                interleaved(text.split("%s").flat_map(|piece| piece.split("%d")), values.into_iter())
            }
            _ => Value::Other,
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

/// `"…{}…".format(a)` as the f-string it could be; other calls of what has no name are nothing.
fn filled(call: &ExprCall, depth: usize) -> Value {
    let Expr::Attribute(attribute) = call.func.as_ref() else { return Value::Other };
    let Expr::StringLiteral(text) = attribute.value.as_ref() else { return Value::Other };
    if attribute.attr.as_str() != "format" {
        return Value::Other;
    }
    let args: Vec<Value> = call.arguments.args.iter().take(16).map(|value| at(value, depth + 1)).collect();
    let text = text.value.to_str();
    let mut pieces = Vec::new();
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((field, after)) = after.split_once('}') else { break };
        let name = field.split([':', '!', '.', '[']).next().unwrap_or_default();
        let keyword =
            call.arguments.keywords.iter().find(|keyword| {
                !name.is_empty() && keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == name)
            });
        let index = name.parse().unwrap_or(values.len());
        let value = match keyword {
            Some(keyword) => at(&keyword.value, depth + 1),
            None => args.get(index).cloned().unwrap_or_default(),
        };
        pieces.push(before);
        values.push(value);
        rest = after;
    }
    pieces.push(rest);
    interleaved(pieces.into_iter(), values.into_iter())
}

/// An f-string of pieces of text with a value between each two of them.
fn interleaved<'a>(pieces: impl Iterator<Item = &'a str>, mut values: impl Iterator<Item = Value>) -> Value {
    let mut parts = Vec::new();
    for (index, piece) in pieces.take(64).enumerate() {
        if index > 0 {
            parts.push(Part::Value(values.next().unwrap_or_default()));
        }
        if !piece.is_empty() {
            parts.push(Part::Text(clip(piece)));
        }
    }
    Value::Format(parts)
}

/// Values one after the other, as an f-string.
fn joined(values: Vec<Value>, between: &str) -> Value {
    let mut parts = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 && !between.is_empty() {
            parts.push(Part::Text(Name::new(between)));
        }
        match value {
            Value::Text(text) => parts.push(Part::Text(text)),
            Value::Format(inner) => parts.extend(inner),
            value => parts.push(Part::Value(value)),
        }
    }
    // Pieces of text beside each other are one.
    let mut whole: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts.into_iter().take(64) {
        match (whole.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => {
                *before = Name::concat(&[before.as_str(), text.as_str()]);
            }
            (_, part) => whole.push(part),
        }
    }
    match whole.as_slice() {
        [Part::Text(text)] => Value::Text(text.clone()),
        _ => Value::Format(whole),
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
