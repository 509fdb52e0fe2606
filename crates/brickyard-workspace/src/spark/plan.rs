//! Which plans are understood: every message and field that may stand in one. What is not in these tables is refused.

use super::wire::{Field, Malformed, fields, last, put};
use crate::warehouse::Fault;

/// Deepest nesting of a plan.
const DEEPEST: usize = 200;

/// What may stand in a field.
#[derive(Clone, Copy)]
enum Part {
    /// Numbers, texts and messages that name no data.
    Plain,
    Relation,
    Expression,
    /// A message of these fields.
    Message(&'static Shape),
}

/// Fields of a message that may be there.
type Shape = [(u32, Part)];

use Part::{Expression, Message, Plain, Relation};

const INPUT: (u32, Part) = (1, Relation);

const SORT_ORDER: &Shape = &[(1, Expression), (2, Plain), (3, Plain)];
const ALIAS: &Shape = &[(1, Expression), (2, Plain), (3, Plain)];
const ARGUMENTS: &Shape = &[(1, Plain), (2, Expression), (3, Plain), (4, Plain), (5, Plain)];
const FRAME_BOUNDARY: &Shape = &[(1, Plain), (2, Plain), (3, Expression)];
const FRAME: &Shape = &[(1, Plain), (2, Message(FRAME_BOUNDARY)), (3, Message(FRAME_BOUNDARY))];
const PIVOT: &Shape = &[(1, Expression), (2, Plain)];
const GROUPING_SET: &Shape = &[(1, Expression)];
const UNPIVOT_VALUES: &Shape = &[(1, Expression)];

/// Operations on rows, by the field of `Relation` that holds them (Spark 4.1, `relations.proto`).
const RELATIONS: &[(u32, &Shape)] = &[
    (3, &[INPUT, (3, Expression)]), // project
    (4, &[INPUT, (2, Expression)]), // filter
    (5, &[INPUT, (2, Relation), (3, Expression), (4, Plain), (5, Plain), (6, Plain)]), // join
    (6, &[INPUT, (2, Relation), (3, Plain), (4, Plain), (5, Plain), (6, Plain)]), // set operation
    (7, &[INPUT, (2, Message(SORT_ORDER)), (3, Plain)]), // sort
    (8, &[INPUT, (2, Plain)]),      // limit
    (
        9, // aggregate
        &[
            INPUT,
            (2, Plain),
            (3, Expression),
            (4, Expression),
            (5, Message(PIVOT)),
            (6, Message(GROUPING_SET)),
        ],
    ),
    (11, &[(1, Plain), (2, Plain)]), // rows of the client
    (12, &[INPUT, (2, Plain), (3, Plain), (4, Plain), (5, Plain), (6, Plain)]), // sample
    (13, &[INPUT, (2, Plain)]),      // offset
    (14, &[INPUT, (2, Plain), (3, Plain)]), // distinct
    (15, &[(1, Plain), (2, Plain), (3, Plain), (4, Plain)]), // range
    (16, &[INPUT, (2, Plain), (3, Plain)]), // alias
    (17, &[INPUT, (2, Plain), (3, Plain)]), // repartition
    (18, &[INPUT, (2, Plain)]),      // new names
    (19, &[INPUT, (2, Plain), (3, Plain)]), // renamed columns
    (20, &[INPUT, (2, Plain), (3, Plain), (4, Plain)]), // show
    (21, &[INPUT, (2, Expression), (3, Plain)]), // drop
    (22, &[INPUT, (2, Plain)]),      // tail
    (23, &[INPUT, (2, Message(ALIAS))]), // new columns
    (24, &[INPUT, (2, Plain), (3, Expression)]), // hint
    (25, &[INPUT, (2, Expression), (3, Message(UNPIVOT_VALUES)), (4, Plain), (5, Plain)]), // unpivot
    (26, &[INPUT, (2, Plain)]),      // to schema
    (35, &[INPUT, (2, Plain), (3, Plain)]), // HTML
    (41, &[INPUT, (2, Relation)]),   // with relations
    (90, &[INPUT, (2, Plain), (3, Plain)]), // fill nulls
    (91, &[INPUT, (2, Plain), (3, Plain)]), // drop nulls
    (100, &[INPUT, (2, Plain)]),     // summary
    (102, &[INPUT, (2, Plain)]),     // describe
];

/// Expressions, by the field of `Expression` that holds them (`expressions.proto`).
const EXPRESSIONS: &[(u32, Part)] = &[
    (1, Plain),              // literal
    (2, Plain),              // attribute
    (3, Message(ARGUMENTS)), // function
    (5, Plain),              // star
    (6, Message(ALIAS)),
    (7, Message(&[(1, Expression), (2, Plain), (3, Plain), (4, Plain)])), // cast
    (8, Plain),                                                           // names by a pattern
    (9, Message(SORT_ORDER)),
    (10, Message(&[(1, Expression), (2, Plain)])), // lambda
    (
        11, // window
        Message(&[(1, Expression), (2, Expression), (3, Message(SORT_ORDER)), (4, Message(FRAME))]),
    ),
    (12, Message(&[(1, Expression), (2, Expression)])), // field or element
    (13, Message(&[(1, Expression), (2, Plain), (3, Expression)])), // changed field
    (14, Plain),                                        // variable of a lambda
    (16, Message(&[(1, Plain), (2, Expression)])),      // call by name
    (17, Message(&[(1, Plain), (2, Expression)])),      // named argument
    (21, Message(&[(1, Plain), (2, Plain), (4, Expression)])), // subquery of `with relations`
];

/// Names of what is refused most, for the message.
const REFUSED: &[(u32, &str)] = &[
    (28, "Python functions over partitions (mapInPandas, mapInArrow)"),
    (31, "Python functions over groups (applyInPandas)"),
    (32, "Python functions over groups (applyInPandas)"),
    (30, "parsing of rows as CSV or JSON"),
    (36, "data frames cached on the server"),
    (37, "data frames cached on the server"),
    (38, "Python table functions"),
];

/// Makes a query of a client's text one for the engine, or refuses it.
pub(super) trait Queries {
    fn query(&mut self, sql: &str) -> Result<String, Fault>;
    /// Refuses a text expression that names data.
    fn expression(&mut self, sql: &str) -> Result<(), Fault>;
}

pub(super) fn refused(what: impl std::fmt::Display) -> Fault {
    Fault::new(
        "UNSUPPORTED_CONNECT_FEATURE",
        "0A000",
        format_args!(
            "The local workspace does not take {what} over Databricks Connect; spark.sql(...), spark.table(...) and \
             operations on their rows work."
        ),
    )
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::new("CONNECT_INVALID_PLAN", "56K00", "The plan is not a message of the protocol.")
    }
}

/// A relation with its queries made the engine's.
pub(super) fn relation(message: &[u8], queries: &mut dyn Queries, depth: usize) -> Result<Vec<u8>, Fault> {
    if depth > DEEPEST {
        return Err(refused("a plan that is nested more than 200 times"));
    }
    let mut output = Vec::with_capacity(message.len());
    for field in fields(message)? {
        match field.number {
            1 => output.extend_from_slice(field.whole),
            2 => put(&mut output, 10, &table(field.content, queries)?),
            10 => {
                let parts = fields(field.content)?;
                if parts.iter().any(|part| part.number != 1) {
                    return Err(refused("parameters of spark.sql"));
                }
                let sql = last(&parts, 1).ok_or(Malformed)?.text()?;
                put(&mut output, 10, &statement(&queries.query(sql)?));
            }
            number => {
                if let Some((_, shape)) = RELATIONS.iter().find(|(known, _)| *known == number) {
                    put(&mut output, number, &message_of(field.content, shape, queries, depth)?);
                } else {
                    let name = REFUSED.iter().find(|(known, _)| *known == number);
                    return Err(match name {
                        Some((_, name)) => refused(name),
                        None => refused(format_args!("the operation {number} on data frames")),
                    });
                }
            }
        }
    }
    Ok(output)
}

/// A table by its name becomes the query that reads it.
fn table(read: &[u8], queries: &mut dyn Queries) -> Result<Vec<u8>, Fault> {
    let parts = fields(read)?;
    if last(&parts, 2).is_some() {
        return Err(refused("spark.read of files and other sources"));
    }
    if last(&parts, 3).is_some_and(|streaming| streaming.content.iter().any(|byte| *byte != 0)) {
        return Err(refused("streams"));
    }
    let named = fields(last(&parts, 1).ok_or(Malformed)?.content)?;
    if last(&named, 2).is_some() {
        return Err(refused("options of a table's reader"));
    }
    let name = last(&named, 1).ok_or(Malformed)?.text()?;
    // A name and nothing else: what follows it would become part of the query.
    let parts = crate::catalog::split(name)?;
    let quoted: Vec<String> = parts.iter().map(|part| brickyard_sql::quote_name(part)).collect();
    Ok(statement(&queries.query(&format!("SELECT * FROM {}", quoted.join(".")))?))
}

/// A message `SQL`.
pub(super) fn statement(sql: &str) -> Vec<u8> {
    let mut message = Vec::new();
    put(&mut message, 1, sql.as_bytes());
    message
}

fn message_of(
    message: &[u8],
    shape: &Shape,
    queries: &mut dyn Queries,
    depth: usize,
) -> Result<Vec<u8>, Fault> {
    let mut output = Vec::with_capacity(message.len());
    for field in fields(message)? {
        let part = shape.iter().find(|(number, _)| *number == field.number);
        let (_, part) = part.ok_or_else(|| refused(format_args!("the part {} of a plan", field.number)))?;
        one(&field, *part, queries, depth, &mut output)?;
    }
    Ok(output)
}

fn one(
    field: &Field<'_>,
    part: Part,
    queries: &mut dyn Queries,
    depth: usize,
    output: &mut Vec<u8>,
) -> Result<(), Fault> {
    let content = match part {
        Plain => {
            output.extend_from_slice(field.whole);
            return Ok(());
        }
        _ if field.wire_type != 2 => return Err(Malformed.into()),
        Relation => relation(field.content, queries, depth + 1)?,
        Expression => expression(field.content, queries, depth + 1)?,
        Message(shape) => message_of(field.content, shape, queries, depth + 1)?,
    };
    put(output, field.number, &content);
    Ok(())
}

fn expression(message: &[u8], queries: &mut dyn Queries, depth: usize) -> Result<Vec<u8>, Fault> {
    if depth > DEEPEST {
        return Err(refused("an expression that is nested more than 200 times"));
    }
    let mut output = Vec::with_capacity(message.len());
    for field in fields(message)? {
        match field.number {
            18 => output.extend_from_slice(field.whole),
            4 => {
                queries.expression(last(&fields(field.content)?, 1).ok_or(Malformed)?.text()?)?;
                output.extend_from_slice(field.whole);
            }
            15 => return Err(refused("Python functions (udf)")),
            number => match EXPRESSIONS.iter().find(|(known, _)| *known == number) {
                Some((_, part)) => one(&field, *part, queries, depth, &mut output)?,
                None => return Err(refused(format_args!("the expression {number}"))),
            },
        }
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Upper;

    impl Queries for Upper {
        fn query(&mut self, sql: &str) -> Result<String, Fault> {
            Ok(sql.to_uppercase())
        }

        fn expression(&mut self, sql: &str) -> Result<(), Fault> {
            if sql.contains("SELECT") { Err(refused("queries in expressions")) } else { Ok(()) }
        }
    }

    fn message(parts: &[(u32, &[u8])]) -> Vec<u8> {
        let mut output = Vec::new();
        for (number, content) in parts {
            put(&mut output, *number, content);
        }
        output
    }

    #[test]
    fn queries_and_tables_are_exchanged_wherever_they_stand() {
        let table = message(&[(2, &message(&[(1, &message(&[(1, b"a.`b c`")]))]))]);
        let limited = message(&[(8, &message(&[(1, &table)]))]);
        let expected =
            message(&[(8, &message(&[(1, &message(&[(10, &statement("SELECT * FROM `A`.`B C`"))]))]))]);
        assert_eq!(relation(&limited, &mut Upper, 0).unwrap(), expected);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let file = message(&[(2, &message(&[(2, &message(&[(1, b"csv"), (4, b"/etc/passwd")]))]))]);
        let udf = message(&[(4, &message(&[(2, &message(&[(15, b"")]))]))]);
        let later = message(&[(8, &message(&[(9, b"x")]))]);
        let hidden = message(&[(4, &message(&[(2, &message(&[(4, &message(&[(1, b"(SELECT 1)")]))]))]))]);
        let name = message(&[(2, &message(&[(1, &message(&[(1, b"a; DROP TABLE b")]))]))]);
        for refused in [file, udf, later, hidden, message(&[(999, b"")])] {
            assert!(relation(&refused, &mut Upper, 0).is_err(), "{refused:?}");
        }
        // Whatever stands in a name stays one.
        let named = relation(&name, &mut Upper, 0).unwrap();
        assert!(String::from_utf8_lossy(&named).contains("`A; DROP TABLE B`"));
        let mut deep = Vec::new();
        for _ in 0..1000 {
            deep = message(&[(8, &message(&[(1, &deep)]))]);
        }
        assert!(relation(&deep, &mut Upper, 0).is_err());
    }
}
