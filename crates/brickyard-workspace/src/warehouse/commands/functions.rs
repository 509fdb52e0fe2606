use brickyard_sql::command::{ColumnDefinition, CreateFunction, RoutineBody};
use brickyard_sql::{DataType, Routine, quote_name};

use crate::catalog::{NewFunction, Parameter};
use crate::error::ApiError;
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::scene::Scene;

/// `CREATE FUNCTION`: its body must be one that its maker may run.
pub(super) async fn create(scene: &Scene<'_>, create: &CreateFunction) -> Result<Outcome, Fault> {
    let (body, is_query) = match &create.body {
        RoutineBody::Expression(text) => (text, false),
        RoutineBody::Query(text) => (text, true),
        RoutineBody::Python { source, handler } => return python(scene, create, source, handler.as_deref()),
    };
    let is_table = create.returns_table.is_some() || (is_query && create.returns.is_none());
    let found = analyze(scene, create, body, is_query).await?;
    let returns = match &create.returns {
        _ if is_table => None,
        Some(data_type) => Some(data_type.clone()),
        None => Some(found.first().cloned().unwrap_or_default()),
    };
    let settings = scene.settings();
    if create.temporary {
        let [name] = &create.name.values()[..] else {
            return Err(Fault::new(
                "INVALID_TEMP_OBJ_QUALIFIER",
                "42602",
                "A temporary function has a name of one part.",
            ));
        };
        let column = |definition: &ColumnDefinition| brickyard_sql::Column {
            name: definition.name.clone(),
            data_type: definition.data_type.clone(),
            mask: None,
            generated: false,
            default: definition.default.clone(),
        };
        let routine = Routine {
            parameters: create.parameters.iter().map(column).collect(),
            returns,
            returns_table: create.returns_table.iter().flatten().map(column).collect(),
            body: Some(body.clone()),
            catalog: settings.catalog,
            schema: settings.schema,
            owner: scene.session.caller.name().to_owned(),
            engine_name: None,
            outside: None,
        };
        if !scene.session.settings().put_temporary_routine(name, routine, create.or_replace)
            && !create.if_not_exists
        {
            let text = format_args!(
                "Cannot create the routine `{name}` because a routine of that name already exists."
            );
            return Err(Fault::new("ROUTINE_ALREADY_EXISTS", "42723", text));
        }
        return Ok(Outcome::nothing());
    }
    let function = NewFunction {
        full_name: full_name(&scene.parts(&create.name.values())?),
        parameters: parameters(&create.parameters),
        return_type: returns.map_or_else(|| "TABLE_TYPE".to_owned(), |data_type| data_type.to_string()),
        return_columns: parameters(create.returns_table.as_deref().unwrap_or_default()),
        language: "SQL".to_owned(),
        body: body.clone(),
        deterministic: create.deterministic.unwrap_or(true),
        context: Some((settings.catalog, settings.schema)),
        comment: create.comment.clone(),
        replace: create.or_replace,
        ..NewFunction::default()
    };
    let made = scene.catalog().create_function(&scene.identity, function);
    super::tables::unless_there(made.map(|_| ()), create.if_not_exists)
}

/// `CREATE FUNCTION … LANGUAGE PYTHON AS $$ … $$`: its text must be Python, which the first call tells.
fn python(
    scene: &Scene<'_>,
    create: &CreateFunction,
    source: &str,
    handler: Option<&str>,
) -> Result<Outcome, Fault> {
    let returns = match (&create.returns, handler) {
        _ if create.temporary => {
            return Err(Fault::unsupported("temporary functions written in Python", "Leave TEMPORARY out"));
        }
        (_, Some(_)) => {
            return Err(Fault::unsupported(
                "functions in Python with a HANDLER, which take batches",
                "Write the body after AS, for one row",
            ));
        }
        (None, None) => {
            return Err(Fault::unsupported("table functions written in Python", "Write the function in SQL"));
        }
        (Some(returns), None) => returns,
    };
    let settings = scene.settings();
    let function = NewFunction {
        full_name: full_name(&scene.parts(&create.name.values())?),
        parameters: parameters(&create.parameters),
        return_type: returns.to_string(),
        language: "PYTHON".to_owned(),
        body: source.to_owned(),
        deterministic: create.deterministic.unwrap_or(true),
        context: Some((settings.catalog, settings.schema)),
        comment: create.comment.clone(),
        dependencies: dependencies(&create.environment)?,
        replace: create.or_replace,
        ..NewFunction::default()
    };
    let made = scene.catalog().create_function(&scene.identity, function);
    super::tables::unless_there(made.map(|_| ()), create.if_not_exists)
}

/// Packages of `ENVIRONMENT (dependencies = '["name==1.0"]')`: names and versions, nothing else of this machine.
fn dependencies(environment: &[(String, String)]) -> Result<Vec<String>, Fault> {
    let listed = environment.iter().find(|(key, _)| key.eq_ignore_ascii_case("dependencies"));
    let Some((_, listed)) = listed else { return Ok(Vec::new()) };
    let dependencies: Vec<String> = serde_json::from_str(listed).map_err(|error| {
        ApiError::invalid(format!("dependencies of the function's environment are no JSON list: {error}"))
    })?;
    let odd = |line: &&String| line.starts_with('-') || line.contains(['/', '@', '\n', '\\']);
    if let Some(odd) = dependencies.iter().find(odd) {
        return Err(Fault::unsupported(
            format_args!("the dependency '{}' of a function", odd.escape_debug()),
            "Name a package and its version, such as pandas==2.2.0",
        ));
    }
    Ok(dependencies)
}

fn parameters(columns: &[ColumnDefinition]) -> Vec<Parameter> {
    let parameter = |column: &ColumnDefinition| Parameter {
        name: column.name.clone(),
        type_text: column.data_type.to_string(),
        default: column.default.clone(),
        comment: column.comment.clone(),
    };
    columns.iter().map(parameter).collect()
}

/// The types that a body gives, with its parameters in sight.
async fn analyze(
    scene: &Scene<'_>,
    create: &CreateFunction,
    body: &str,
    is_query: bool,
) -> Result<Vec<DataType>, Fault> {
    // The body is planned as that of a temporary function: the same road as when it is called.
    let name = format!("__checked_{}", uuid::Uuid::new_v4().simple());
    let settings = scene.settings();
    let column = |definition: &ColumnDefinition| brickyard_sql::Column {
        name: definition.name.clone(),
        data_type: definition.data_type.clone(),
        mask: None,
        generated: false,
        default: definition.default.clone(),
    };
    let is_table = create.returns_table.is_some() || (is_query && create.returns.is_none());
    let routine = Routine {
        parameters: create.parameters.iter().map(column).collect(),
        returns: (!is_table).then(|| create.returns.clone().unwrap_or_default()),
        returns_table: create.returns_table.iter().flatten().map(column).collect(),
        body: Some(body.to_owned()),
        catalog: settings.catalog,
        schema: settings.schema,
        owner: scene.session.caller.name().to_owned(),
        engine_name: None,
        outside: None,
    };
    scene.session.settings().put_temporary_routine(&name, routine, true);
    scene.suppose(true);
    let arguments: Vec<String> =
        create.parameters.iter().map(|parameter| format!("CAST(NULL AS {})", parameter.data_type)).collect();
    let call = format!("{}({})", quote_name(&name), arguments.join(", "));
    let sql = if is_table { format!("SELECT * FROM {call}") } else { format!("SELECT {call} AS value") };
    let planned = match brickyard_sql::parse(&sql) {
        Ok(statement) => scene.plan(&statement).await.map(|_| ()),
        Err(error) => Err(error.into()),
    };
    let schema = match planned {
        Ok(()) => scene.schema(&sql).await,
        Err(fault) => Err(fault),
    };
    scene.suppose(false);
    scene.session.settings().drop_temporary_routine(&name);
    let schema = match schema {
        // A function such as `range` takes no NULL; what the body names has been found, and its types are declared.
        Err(fault) if of_the_engine(&fault) && (is_table || create.returns.is_some()) => {
            return Ok(Vec::new());
        }
        schema => schema?,
    };
    let types = schema.fields().iter().map(|field| DataType::from(SqlType::of(field).to_string().as_str()));
    Ok(types.collect())
}

/// Whether the engine refuses a value or what it does not know, rather than a name or a type.
fn of_the_engine(fault: &Fault) -> bool {
    fault.class == "INTERNAL_ERROR"
        || fault.message.contains("The local engine does not carry this statement out")
}

pub(super) fn drop(scene: &Scene<'_>, parts: &[String], temporary: bool) -> Result<(), Fault> {
    if let [name] = parts
        && scene.session.settings().drop_temporary_routine(name)
    {
        return Ok(());
    }
    if temporary {
        let text = format_args!("The routine {} cannot be found.", full_name(parts));
        return Err(Fault::new("ROUTINE_NOT_FOUND", "42883", text));
    }
    let full = full_name(&scene.parts(parts)?);
    if scene.catalog().function_record(&full)?.modes.is_some() {
        let text = format_args!("{full} is a procedure. Use DROP PROCEDURE instead.");
        return Err(Fault::new("ROUTINE_NOT_FOUND", "42883", text));
    }
    Ok(scene.catalog().drop_function(&scene.identity, &full)?)
}
