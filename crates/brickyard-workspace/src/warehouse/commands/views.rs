use brickyard_sql::command::{CreateView, ViewKind};
use brickyard_sql::{Relation, string_literal};

use crate::catalog::NewTable;
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::scene::Scene;

/// `CREATE VIEW`: the query is planned as its maker, who must be allowed to read what it reads.
pub(super) async fn create(scene: &Scene<'_>, create: &CreateView) -> Result<Outcome, Fault> {
    if matches!(create.kind, ViewKind::Materialized | ViewKind::Streaming) {
        return super::kept::create(scene, create).await;
    }
    if let Some((format, options)) = &create.source {
        return over_files(scene, create, format, options).await;
    }
    let schema = scene.schema(&create.text).await?;
    if !create.columns.is_empty() && create.columns.len() != schema.fields().len() {
        return Err(Fault::new(
            "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
            "21S01",
            "The view has another number of columns than its query.",
        ));
    }
    let names = create.columns.iter().map(|column| column.name.clone());
    let text = if create.columns.is_empty() {
        create.text.clone()
    } else {
        let names: Vec<String> = names.clone().map(|name| brickyard_sql::quote_name(&name)).collect();
        format!("SELECT * FROM ({}) AS view_query({})", create.text, names.join(", "))
    };
    let settings = scene.settings();
    match create.kind {
        ViewKind::Temporary => {
            let [name] = &create.name.values()[..] else {
                return Err(Fault::new(
                    "TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS",
                    "428EK",
                    "A temporary view has a name of one part.",
                ));
            };
            let columns = schema.fields().iter().enumerate().map(|(index, field)| brickyard_sql::Column {
                name: create
                    .columns
                    .get(index)
                    .map_or_else(|| field.name().clone(), |column| column.name.clone()),
                data_type: brickyard_sql::DataType::from(SqlType::of(field).to_string().as_str()),
                mask: None,
                generated: false,
                default: None,
            });
            let view = brickyard_sql::View {
                text,
                catalog: settings.catalog,
                schema: settings.schema,
                owner: scene.session.caller.name().to_owned(),
            };
            let relation = Relation { columns: columns.collect(), view: Some(view), ..Relation::default() };
            let put = scene.session.settings().put_temporary(name, relation, create.or_replace);
            if !put && !create.if_not_exists {
                return Err(Fault::new(
                    "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
                    "42P07",
                    format_args!("Cannot create the temporary view `{name}` because it already exists."),
                ));
            }
            Ok(Outcome::nothing())
        }
        ViewKind::Plain => {
            lasts(scene, create)?;
            let mut columns = scene.columns_of(&create.text).await?;
            for (column, written) in columns.iter_mut().zip(&create.columns) {
                column.name.clone_from(&written.name);
                column.comment.clone_from(&written.comment);
            }
            let view = NewTable {
                full_name: full_name(&scene.parts(&create.name.values())?),
                columns,
                properties: create.properties.iter().cloned().collect(),
                comment: create.comment.clone(),
                // Whoever reads it gives the query's columns the view's names.
                view: Some((create.text.clone(), (settings.catalog, settings.schema))),
                replace: create.or_replace,
                ..NewTable::default()
            };
            let made = scene.catalog().create_table(&scene.identity, view);
            super::tables::unless_there(made.map(|_| ()), create.if_not_exists)
        }
        ViewKind::Materialized | ViewKind::Streaming => Err(Fault::internal("A table is made as a view")),
    }
}

/// A view that stays reads nothing that goes with the session.
fn lasts(scene: &Scene<'_>, create: &CreateView) -> Result<(), Fault> {
    let settings = scene.settings();
    let statement = brickyard_sql::parse(&create.text)?;
    for reference in brickyard_sql::references(&statement)? {
        if let [name] = reference.parts.as_slice()
            && settings.temporary(name).is_some()
        {
            let view = create.name.quoted();
            return Err(Fault::new(
                "INVALID_TEMP_OBJ_REFERENCE",
                "42K0F",
                format_args!(
                    "Cannot create the persistent object {view} of the type VIEW because it references to the temporary object `{name}` of the type VIEW. Please make the temporary object `{name}` persistent, or make the persistent object {view} temporary."
                ),
            ));
        }
    }
    Ok(())
}

/// `CREATE TEMPORARY VIEW … USING format OPTIONS (path …)`: the same as one over `read_files`.
async fn over_files(
    scene: &Scene<'_>,
    create: &CreateView,
    format: &str,
    options: &[(String, String)],
) -> Result<Outcome, Fault> {
    let path = options.iter().find(|(key, _)| key.eq_ignore_ascii_case("path"));
    let Some((_, path)) = path.filter(|_| create.kind == ViewKind::Temporary) else {
        return Err(Fault::unsupported(
            "views over files without a path",
            "Give OPTIONS (path '…') of CREATE TEMPORARY VIEW",
        ));
    };
    let mut arguments = vec![string_literal(path), format!("format => {}", string_literal(format))];
    // The reader's own defaults, which are not those of read_files.
    for (key, value) in [("header", "false"), ("inferSchema", "false")] {
        if format.eq_ignore_ascii_case("csv")
            && !options.iter().any(|(known, _)| known.eq_ignore_ascii_case(key))
        {
            arguments.push(format!("`{key}` => {}", string_literal(value)));
        }
    }
    for (key, value) in options.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("path")) {
        arguments.push(format!("{} => {}", brickyard_sql::quote_name(key), string_literal(value)));
    }
    let text = format!("SELECT * FROM read_files({})", arguments.join(", "));
    let view = CreateView { text, source: None, ..create.clone() };
    Box::pin(self::create(scene, &view)).await
}
