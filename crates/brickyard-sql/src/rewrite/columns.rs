//! Names of columns and variables in expressions.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Name;
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Found, Meaning, Scope, field};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    pub(super) fn name(&mut self, name: &Name, span: Span, scope: &Scope) -> Result<DataType, SqlError> {
        let parts = name.values();
        match scope.find(&parts) {
            Found::Column { data_type, parts: used, meaning, relation, owner, up, .. } => {
                self.reached = self.reached.min(scope.level().saturating_sub(up));
                let head = name.parts[0].span.to(name.parts[used - 1].span);
                let plain = !matches!(meaning, Some(Meaning::Text(_)));
                if meaning.is_none() && parts.len() == 1 && is_question(&parts[0]) {
                    // The engine takes the name for the function.
                    self.edits.replace(head, pieces![quote_name(&parts[0])]);
                }
                match (meaning, relation) {
                    (Some(Meaning::Merged(text)), _) => self.edits.replace(head, pieces![text]),
                    (Some(Meaning::Text(text)), _) => self.edits.replace(head, pieces![format!("({text})")]),
                    (None, None) if self.qualifies && used == 1 && is_alias(scope, &parts[0]) => {
                        if let Some(owner) = owner {
                            let text = format!("{}.{}", quote_name(&owner), quote_name(&parts[0]));
                            self.edits.replace(head, pieces![text]);
                        }
                    }
                    (None, Some(alias)) if used > 2 => {
                        self.edits.replace(
                            head,
                            pieces![format!("{}.{}", quote_name(&alias), quote_name(&parts[used - 1]))],
                        );
                    }
                    _ => {}
                }
                Ok(self.parts(name, used, data_type, plain))
            }
            Found::Alias { span: source, data_type } => {
                if self.substitute {
                    self.edits.replace(name.parts[0].span, pieces!["(", source, ")"]);
                }
                let substitute = self.substitute;
                Ok(self.parts(name, 1, data_type, !substitute))
            }
            Found::Lambda { data_type, text } => {
                if let Some(text) = text {
                    self.edits.replace(name.parts[0].span, pieces![text]);
                }
                Ok(self.parts(name, 1, data_type, true))
            }
            Found::Parameter { text, data_type, parts: used } => {
                self.edits.replace(name.parts[0].span.to(name.parts[used - 1].span), pieces![text]);
                Ok(self.parts(name, used, data_type, false))
            }
            found => {
                if let Some(data_type) = self.variable(&parts, span)? {
                    return Ok(data_type);
                }
                if let [only] = parts.as_slice()
                    && let Some(data_type) = self.without_parentheses(only, span)?
                {
                    return Ok(data_type);
                }
                if parts.iter().any(|part| part.eq_ignore_ascii_case("_metadata")) {
                    return Err(SqlError::unsupported(
                        "the _metadata column of files",
                        "List the files and read them one by one",
                    )
                    .at(span));
                }
                if let [only] = parts.as_slice()
                    && only.eq_ignore_ascii_case("grouping__id")
                {
                    self.whole_grouping_id(span);
                    return Ok(DataType::BigInt);
                }
                if matches!(found, Found::Perhaps) {
                    return Ok(DataType::Unknown);
                }
                Err(unresolved(&parts, scope).at(span))
            }
        }
    }

    /// A variable of a script or the session as a literal; fields of a struct may follow.
    pub(super) fn variable(&mut self, parts: &[String], span: Span) -> Result<Option<DataType>, SqlError> {
        let context = self.context;
        let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let session = |name: &str| {
            context.variables.iter().find(|variable| variable.qualifier.is_none() && is(&variable.name, name))
        };
        let (variable, rest) = match parts {
            [system, word, name, rest @ ..] if is(system, "system") && is(word, "session") => {
                (session(name), rest)
            }
            [word, name, rest @ ..] if is(word, "session") => (session(name), rest),
            [first, rest @ ..] => {
                let qualified = rest.first().and_then(|name| {
                    let owned = |owner: &Option<String>| owner.as_ref().is_some_and(|owner| is(owner, first));
                    context
                        .variables
                        .iter()
                        .find(|variable| owned(&variable.qualifier) && is(&variable.name, name))
                });
                match qualified {
                    Some(variable) => (Some(variable), &rest[1..]),
                    None => (context.variables.iter().find(|variable| is(&variable.name, first)), rest),
                }
            }
            [] => (None, parts),
        };
        let Some(variable) = variable else { return Ok(None) };
        let mut text = format!("({})", variable.literal);
        for part in rest {
            text = format!("{text}.{}", quote_name(part));
        }
        self.edits.replace(span, pieces![text]);
        Ok(Some(rest.iter().fold(variable.data_type.clone(), |inner, part| field(&inner, part))))
    }
}

fn is_alias(scope: &Scope, name: &str) -> bool {
    scope.aliases.iter().any(|(alias, ..)| alias.eq_ignore_ascii_case(name))
}

/// Whether a name without parentheses is also a function.
fn is_question(name: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with("current_") || matches!(name.as_str(), "localtimestamp" | "session_user" | "user")
}

pub(super) fn unbound(name: &str) -> SqlError {
    let text = format!(
        "Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions such as `map()`, `array()`, `struct()`."
    );
    SqlError::new("UNBOUND_SQL_PARAMETER", "42P02", text)
}

fn unresolved(parts: &[String], scope: &Scope) -> SqlError {
    let name = parts.iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".");
    let mut near: Vec<(usize, String)> = Vec::new();
    let wanted = parts.last().map(|part| part.to_lowercase()).unwrap_or_default();
    for relation in &scope.relations {
        for column in &relation.columns.list {
            near.push((distance(&wanted, &column.name.to_lowercase()), quote_name(&column.name)));
        }
    }
    near.sort();
    near.dedup();
    if near.is_empty() {
        let text = format!("A column, variable, or function parameter with name {name} cannot be resolved.");
        return SqlError::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text);
    }
    let list: Vec<String> = near.into_iter().take(5).map(|(_, name)| name).collect();
    let text = format!(
        "A column, variable, or function parameter with name {name} cannot be resolved. Did you mean one of the following? [{}].",
        list.join(", ")
    );
    SqlError::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", text)
}

/// Edits between two words, for suggestions.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(64).enumerate() {
        let mut previous = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let cost = if left == *right { previous } else { previous + 1 };
            previous = row[j + 1];
            row[j + 1] = cost.min(previous + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
