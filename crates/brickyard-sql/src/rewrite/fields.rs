//! Parts of values after a dot: fields of structs, values of maps, fields of every struct of an array.

use crate::data_type::DataType;
use crate::parser::Name;
use crate::query::Expr;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::field;
use crate::token::{Span, quote_name, string_literal};

impl Planner<'_> {
    /// The parts of a name after the first `used` ones, of a value of that type; gives the type of the last one.
    ///
    /// The engine follows structs, and arrays of structs where the name alone stands (`plain`), but no maps.
    pub(super) fn parts(&mut self, name: &Name, used: usize, data_type: DataType, plain: bool) -> DataType {
        let used = used.min(name.parts.len());
        let mut types = vec![data_type];
        for part in &name.parts[used..] {
            let next = field(&types[types.len() - 1], &part.value);
            types.push(next);
        }
        let steps = &types[..types.len() - 1];
        let lacking = |data_type: &DataType| match data_type {
            DataType::Map(..) => true,
            DataType::Array(element) => !plain && matches!(**element, DataType::Struct(_)),
            _ => false,
        };
        if steps.iter().any(lacking) {
            let head = name.parts[0].span.to(name.parts[used - 1].span);
            let whole = head.to(name.parts[name.parts.len() - 1].span);
            let mut text = pieces![head];
            for (part, data_type) in name.parts[used..].iter().zip(steps) {
                text = self::part(text, data_type, &part.value);
            }
            self.edits.replace(whole, text);
        }
        types.pop().unwrap_or_default()
    }

    /// `base.name` of something that is not a plain name; gives its type.
    pub(super) fn field_of(&mut self, expr: &Expr, base: Span, data_type: &DataType, name: &str) -> DataType {
        if matches!(data_type, DataType::Map(..) | DataType::Array(_)) {
            self.edits.replace(expr.span, part(pieces![base], data_type, name));
        }
        field(data_type, name)
    }
}

/// A part of a value.
fn part(mut base: Vec<Piece>, data_type: &DataType, name: &str) -> Vec<Piece> {
    let around = |open: &str, mut base: Vec<Piece>, close: String| {
        base.insert(0, Piece::from(open));
        base.push(Piece::from(close));
        base
    };
    match data_type {
        DataType::Map(key, _) if **key == DataType::String => {
            around("try_element_at(", base, format!(", {})", string_literal(name)))
        }
        DataType::Map(key, _) => {
            around("try_element_at(", base, format!(", CAST({} AS {key}))", string_literal(name)))
        }
        DataType::Array(_) => around("transform(", base, format!(", `__f` -> `__f`.{})", quote_name(name))),
        _ => {
            base.push(Piece::from(format!(".{}", quote_name(name))));
            base
        }
    }
}
