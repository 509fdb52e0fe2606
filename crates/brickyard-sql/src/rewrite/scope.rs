//! What names mean at a place: relations in `FROM`, aliases, parameters of lambdas and functions, common table expressions.

use std::collections::HashMap;
use std::rc::Rc;

use crate::data_type::DataType;
use crate::parser::Ident;
use crate::query::Expr;
use crate::token::Span;

/// A column that a query or relation gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Output {
    pub name: String,
    pub data_type: DataType,
    /// The type that was declared, when it has a length: `CHAR(3)`.
    pub length: Option<DataType>,
}

impl Output {
    /// A column without a declared length.
    pub(crate) fn new(name: String, data_type: DataType) -> Self {
        Self { name, data_type, length: None }
    }
}

/// The columns of a relation; `open` when some may be unknown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub list: Vec<Output>,
    pub open: bool,
}

impl Columns {
    /// The column of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&Output> {
        self.list.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The same columns under other names, as an alias with columns gives them.
    pub(crate) fn renamed(mut self, names: &[Ident]) -> Self {
        if self.open && !names.is_empty() {
            let list = names.iter().map(|name| Output::new(name.value.clone(), DataType::Unknown));
            return Self { list: list.collect(), open: false };
        }
        for (column, name) in self.list.iter_mut().zip(names) {
            column.name.clone_from(&name.value);
        }
        self
    }
}

/// What replaces a name.
#[derive(Debug, Clone)]
pub(crate) enum Meaning {
    /// Text of its own.
    Text(String),
    /// A column joined by `USING`.
    Merged(String),
}

/// A relation in `FROM`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Relation {
    /// The name that qualifies its columns, and the whole name before it: `[catalog, schema, table]` or `[alias]`.
    pub qualifier: Vec<String>,
    pub columns: Columns,
    /// Columns that stand for an expression, as those of an inlined `LATERAL` subquery do.
    pub meanings: HashMap<String, Meaning>,
    /// Columns joined by `USING` of an earlier relation, not shown twice by `*`.
    pub hidden: Vec<String>,
    /// Whether it has columns besides that no `*` shows.
    pub wider: bool,
}

impl Relation {
    /// Whether `qualifier` (one to three parts) names it.
    pub(crate) fn is_named(&self, qualifier: &[String]) -> bool {
        let own = &self.qualifier;
        qualifier.len() <= own.len()
            && own[own.len() - qualifier.len()..]
                .iter()
                .zip(qualifier)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    }
}

/// The names in sight within a query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub relations: Vec<Relation>,
    /// Aliases of the select list that may be used before: name, its expression.
    pub aliases: Vec<(String, Span, DataType)>,
    /// Parameters of lambdas around, innermost last, with their types and what replaces them.
    pub lambda: Vec<(String, DataType, Option<String>)>,
    /// The scope around, for correlated subqueries.
    pub outer: Option<Rc<Scope>>,
    /// Parameters of an SQL function that is inlined: name, text, type.
    pub parameters: Rc<Vec<(String, String, DataType)>>,
    /// Common table expressions in sight.
    pub ctes: Rc<HashMap<String, Columns>>,
    /// Windows of the `WINDOW` clause need no resolution; aliases are looked at before columns (in `GROUP BY`, `HAVING`).
    pub alias_first: bool,
    /// Where what stands after `FROM` stands, when the scope is that of a `SELECT`.
    pub from: Option<Span>,
    /// Columns joined by `USING`, in lower case, and the text that stands for each where no side is named.
    pub merged: HashMap<String, String>,
    /// The same columns in the order in which `*` shows them, before all others.
    pub merged_first: Vec<String>,
    /// Whether the scope is that of joins in parentheses.
    pub nested: bool,
}

/// What a name was found to be.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// A column; how many parts of the name are the qualifier and the column.
    Column {
        data_type: DataType,
        parts: usize,
        /// The declared type, when it has a length.
        length: Option<DataType>,
        meaning: Option<Meaning>,
        relation: Option<String>,
        owner: Option<String>,
        /// How many queries further out it was found.
        up: usize,
    },
    /// An alias of the select list.
    Alias { span: Span, data_type: DataType },
    /// A parameter of a lambda.
    Lambda { data_type: DataType, text: Option<String> },
    /// Text in its place: a parameter of a function.
    Parameter { text: String, data_type: DataType, parts: usize },
    /// May be a column of a relation whose columns are unknown.
    Perhaps,
    /// Nothing.
    None,
}

impl Scope {
    /// What the name is.
    pub(crate) fn find(&self, parts: &[String]) -> Found {
        if let Some((_, data_type, text)) =
            self.lambda.iter().rev().find(|(name, ..)| name.eq_ignore_ascii_case(&parts[0]))
        {
            return Found::Lambda { data_type: data_type.clone(), text: text.clone() };
        }
        if self.alias_first
            && parts.len() == 1
            && let Some(alias) = self.alias(&parts[0])
        {
            return alias;
        }
        let mut perhaps = false;
        let mut scope = Some(self);
        let mut own = true;
        let mut above = 0;
        while let Some(here) = scope {
            match here.column(parts) {
                // Text put in place of a column means nothing within a subquery, whose names could capture its own.
                Found::Column { meaning: Some(Meaning::Text(_)), .. } if !own => return Found::None,
                Found::None => {}
                Found::Perhaps => perhaps = true,
                Found::Column { data_type, parts, meaning, relation, owner, length, .. } => {
                    return Found::Column { data_type, parts, meaning, relation, owner, length, up: above };
                }
                found => return found,
            }
            if own
                && !perhaps
                && let Some(alias) = here.alias(&parts[0])
            {
                return alias;
            }
            own = false;
            above += 1;
            scope = here.outer.as_deref();
        }
        if let Some((name, text, data_type)) = self
            .parameters
            .iter()
            .find(|(name, ..)| parts.first().is_some_and(|part| part.eq_ignore_ascii_case(name)))
        {
            let _ = name;
            return Found::Parameter { text: text.clone(), data_type: data_type.clone(), parts: 1 };
        }
        if perhaps { Found::Perhaps } else { Found::None }
    }

    /// How many queries are around.
    pub(crate) fn level(&self) -> usize {
        self.outer.as_ref().map_or(0, |outer| outer.level() + 1)
    }

    fn alias(&self, name: &str) -> Option<Found> {
        self.aliases
            .iter()
            .find(|(alias, ..)| alias.eq_ignore_ascii_case(name))
            .map(|(_, span, data_type)| Found::Alias { span: *span, data_type: data_type.clone() })
    }

    fn column(&self, parts: &[String]) -> Found {
        let mut open = false;
        // A qualifier of three, two, one parts, then none.
        for qualifier in (0..parts.len().min(4)).rev() {
            for relation in &self.relations {
                if qualifier > 0 && !relation.is_named(&parts[..qualifier]) {
                    continue;
                }
                if let Some(column) = relation.columns.find(&parts[qualifier]) {
                    let key = parts[qualifier].to_lowercase();
                    let joined = (qualifier == 0 && !relation.qualifier.is_empty())
                        .then(|| self.merged.get(&key).cloned().map(Meaning::Merged))
                        .flatten();
                    let meaning = joined.or_else(|| relation.meanings.get(&key).cloned());
                    let named = (qualifier > 0).then(|| relation.qualifier.last().cloned()).flatten();
                    return Found::Column {
                        data_type: column.data_type.clone(),
                        parts: qualifier + 1,
                        length: column.length.clone(),
                        meaning,
                        relation: named,
                        owner: relation.qualifier.last().cloned(),
                        up: 0,
                    };
                }
                if relation.columns.open && (qualifier > 0 || !self.relations.is_empty()) {
                    open = true;
                }
            }
        }
        if open { Found::Perhaps } else { Found::None }
    }
}

/// Types of the fields after a name: `a.b.c` of a struct column.
pub(crate) fn field(data_type: &DataType, name: &str) -> DataType {
    match data_type {
        DataType::Struct(fields) => fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
            .map_or(DataType::Unknown, |f| f.data_type.clone()),
        DataType::Map(_, value) => (**value).clone(),
        DataType::Array(element) => match field(element, name) {
            DataType::Unknown => DataType::Unknown,
            inner => DataType::Array(Box::new(inner)),
        },
        _ => DataType::Unknown,
    }
}

/// A select list entry's own name: its alias or the last part of a plain name.
pub(crate) fn plain_name(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        crate::query::ExprKind::Name(name) => name.parts.last().map(|part| part.value.as_str()),
        crate::query::ExprKind::Field(_, field) => Some(&field.value),
        _ => None,
    }
}
