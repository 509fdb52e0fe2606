//! A session over a real Sail with a catalog in memory: plans statements and runs what comes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use brickyard_engine::{
    ChildConfig, Engine, EngineConfig, Parameters as EngineParameters, Recursion, Session, SessionSpec,
};
use brickyard_sql::command::{RoutineBody, Setting, ViewKind};
use brickyard_sql::{
    Column, Command, Context, DataType, EngineStatement, Parameter, Parameters, Plan, Relation, Routine,
    Schemas, Securable, SqlError, Variable, View, bind, overflow, parse, plan, plan_query, qualify,
    string_literal,
};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::cells::rows;

/// What became of a statement.
#[derive(Debug)]
pub(crate) enum Outcome {
    Rows(Vec<Vec<Value>>),
    /// Class and message.
    Error(String, String),
    /// The workspace answers it; nothing is judged here.
    Command,
}

/// The catalog of the bench.
#[derive(Default)]
struct Catalog {
    relations: BTreeMap<Vec<String>, Relation>,
    temporary: BTreeMap<String, Relation>,
    routines: BTreeMap<Vec<String>, Routine>,
    groups: Vec<String>,
    root: String,
}

fn lower(name: &[String]) -> Vec<String> {
    name.iter().map(|part| part.to_lowercase()).collect()
}

impl Schemas for Catalog {
    fn relation(&self, name: &[String]) -> Result<Option<Relation>, SqlError> {
        Ok(self.relations.get(&lower(name)).cloned())
    }

    fn routine(&self, name: &[String]) -> Result<Option<Routine>, SqlError> {
        Ok(self.routines.get(&lower(name)).cloned())
    }

    fn temporary(&self, name: &str) -> Option<Relation> {
        self.temporary.get(&name.to_lowercase()).cloned()
    }

    fn temporary_routine(&self, name: &str) -> Option<Routine> {
        self.routines.get(&vec![name.to_lowercase()]).cloned()
    }

    fn is_member(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    fn path(&self, path: &str) -> Result<String, SqlError> {
        if let Some(rest) = path.strip_prefix("/Volumes/lake/sales/vol") {
            return Ok(format!("{}{rest}", self.root));
        }
        if path.starts_with(&self.root) {
            return Ok(path.to_owned());
        }
        Err(SqlError::new("PERMISSION_DENIED", "42501", format!("No access to {path}.")))
    }
}

/// The bench.
pub(crate) struct Bench {
    session: Session,
    pub(crate) directory: Arc<TempDir>,
    catalog: Catalog,
    context: Context,
    tables: usize,
    _engine: Arc<Engine>,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let environment = brickyard_testing::python_environment(&["pysail==0.7.2"]);
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let config = ChildConfig {
            executable: environment.program("sail"),
            warden: Vec::new(),
            warehouse_directory: directory.path().join("tables"),
            catalog_url: String::new(),
            catalog_tokens: Vec::new(),
            memory: 1 << 30,
            largest: u64::MAX,
        };
        let engine = Arc::new(Engine::start(EngineConfig::Child(config)).await.unwrap());
        let spec = SessionSpec { user: "ann@example.com".to_owned(), ..SessionSpec::default() };
        let session = engine.open(spec).await.unwrap();
        let root = directory.path().to_string_lossy().into_owned();
        let catalog = Catalog { groups: vec!["users".to_owned()], root, ..Catalog::default() };
        let context = Context {
            catalog: "lake".to_owned(),
            schema: "default".to_owned(),
            user: "ann@example.com".to_owned(),
            ..Context::default()
        };
        Self { session, directory, catalog, context, tables: 0, _engine: engine }
    }

    /// Runs text on the engine as it stands.
    pub(crate) async fn raw(&self, sql: &str) -> Result<Vec<RecordBatch>, (String, String)> {
        let failed = |error: brickyard_engine::EngineError| (error.class, error.message);
        let stream =
            self.session.execute(Uuid::new_v4(), sql, &EngineParameters::None).await.map_err(failed)?;
        stream.collect().await.map_err(failed)
    }

    /// Runs a statement of the dialect.
    pub(crate) async fn run(&mut self, sql: &str, parameters: &Parameters) -> Outcome {
        match self.attempt(sql, parameters).await {
            Ok(Some(rows)) => Outcome::Rows(rows),
            Ok(None) => Outcome::Command,
            Err((class, message)) => Outcome::Error(class, message),
        }
    }

    async fn attempt(
        &mut self,
        sql: &str,
        parameters: &Parameters,
    ) -> Result<Option<Vec<Vec<Value>>>, (String, String)> {
        let refused = |error: SqlError| (error.class, error.message);
        let sql = bind(sql, parameters).map_err(refused)?;
        let statement = parse(&sql).map_err(refused)?;
        match plan(&statement, &self.context, &self.catalog).map_err(refused)? {
            // Columns are added by the workspace, in the table's log.
            Plan::Engine(statement) if !statement.new_columns.is_empty() => Ok(None),
            Plan::Engine(statement) => self.engine(&statement).await.map(Some),
            Plan::Command(command) => self.command(&sql, &command).await,
        }
    }

    async fn engine(&self, statement: &EngineStatement) -> Result<Vec<Vec<Value>>, (String, String)> {
        for before in &statement.setup {
            self.raw(before).await?;
        }
        for recursion in &statement.recursions {
            let recursion = Recursion {
                anchor: &recursion.anchor,
                step: &recursion.step,
                level: &recursion.level,
                view: &recursion.view,
                levels: recursion.levels,
                wanted: recursion.wanted,
            };
            self.session.put_recursion(recursion).await.map_err(|error| (error.class, error.message))?;
        }
        match self.raw(&statement.sql).await {
            Ok(batches) => Ok(rows(&batches)),
            Err((class, message)) => {
                let error = overflow(&class, &message).filter(|_| statement.checked);
                let class = error.map_or(class, |error| error.class);
                Err((class, format!("{message}\n   planned: {}", statement.sql)))
            }
        }
    }

    async fn command(
        &mut self,
        sql: &str,
        command: &Command,
    ) -> Result<Option<Vec<Vec<Value>>>, (String, String)> {
        let refused = |error: SqlError| (error.class, error.message);
        let whole = |name: &brickyard_sql::Name, context: &Context| {
            lower(&qualify(&name.values(), &context.catalog, &context.schema).unwrap())
        };
        match command {
            Command::UseCatalog(name) => self.context.catalog = name.values().concat(),
            Command::UseSchema(name) => {
                let mut parts = name.values();
                self.context.schema = parts.pop().unwrap();
                if let Some(catalog) = parts.pop() {
                    self.context.catalog = catalog;
                }
            }
            Command::Setting(Setting::Declare { names, data_type, default, .. }) => {
                let text = default.as_ref().map_or("NULL", |expr| expr.span.of(sql));
                for name in names {
                    let variable =
                        self.variable(name.values().last().unwrap(), data_type.clone(), text).await?;
                    self.context.variables.retain(|known| known.name != variable.name);
                    self.context.variables.push(variable);
                }
            }
            Command::Setting(Setting::Variables(assignments)) => {
                for (name, expr) in assignments {
                    let name = name.values().last().unwrap().clone();
                    let known = self
                        .context
                        .variables
                        .iter()
                        .find(|variable| variable.name == name)
                        .cloned()
                        .unwrap();
                    let variable = self.variable(&name, Some(known.data_type), expr.span.of(sql)).await?;
                    self.context.variables.retain(|known| known.name != name);
                    self.context.variables.push(variable);
                }
            }
            Command::Drop { kind: Securable::Variable, name, .. } => {
                self.context.variables.retain(|known| Some(&known.name) != name.values().last());
            }
            Command::CreateView(view) => {
                let relation = Relation {
                    view: Some(View {
                        text: view.text.clone(),
                        catalog: self.context.catalog.clone(),
                        schema: self.context.schema.clone(),
                        owner: self.context.user.clone(),
                    }),
                    columns: view
                        .columns
                        .iter()
                        .map(|column| Column {
                            name: column.name.clone(),
                            data_type: DataType::Unknown,
                            mask: None,
                            generated: false,
                            default: None,
                        })
                        .collect(),
                    ..Relation::default()
                };
                plan_query(&view.text, &self.context, &self.catalog).map_err(refused)?;
                if view.kind == ViewKind::Temporary {
                    self.catalog.temporary.insert(view.name.values().concat().to_lowercase(), relation);
                } else {
                    self.catalog.relations.insert(whole(&view.name, &self.context), relation);
                }
            }
            Command::CreateFunction(function) => {
                let column = |definition: &brickyard_sql::command::ColumnDefinition| Column {
                    name: definition.name.clone(),
                    data_type: definition.data_type.clone(),
                    mask: None,
                    generated: false,
                    default: definition.default.clone(),
                };
                let body = match &function.body {
                    RoutineBody::Expression(text) | RoutineBody::Query(text) => Some(text.clone()),
                    RoutineBody::Python { .. } => None,
                };
                let scalar = function.returns_table.is_none();
                let routine = Routine {
                    parameters: function.parameters.iter().map(column).collect(),
                    returns: scalar.then(|| function.returns.clone().unwrap_or_default()),
                    returns_table: function.returns_table.iter().flatten().map(column).collect(),
                    body,
                    catalog: self.context.catalog.clone(),
                    schema: self.context.schema.clone(),
                    owner: self.context.user.clone(),
                    engine_name: None,
                    outside: None,
                };
                let name = if function.temporary {
                    lower(&function.name.values())
                } else {
                    whole(&function.name, &self.context)
                };
                self.catalog.routines.insert(name, routine);
            }
            Command::CreateTable(table)
                if table.like.is_none()
                    && table.location.is_none()
                    && table.query.is_none()
                    && table.format.as_deref() != Some("CSV") =>
            {
                let name = whole(&table.name, &self.context);
                self.tables += 1;
                let engine = format!("t{}", self.tables);
                let place = self.directory.path().join(&engine);
                let columns: Vec<String> = table
                    .columns
                    .iter()
                    .map(|column| format!("`{}` {}", column.name, column.data_type))
                    .collect();
                let place = string_literal(&place.to_string_lossy());
                self.raw(&format!(
                    "CREATE TABLE {engine} ({}) USING delta LOCATION {place}",
                    columns.join(", ")
                ))
                .await?;
                let columns = table.columns.iter().map(|column| Column {
                    name: column.name.clone(),
                    data_type: column.data_type.clone(),
                    mask: None,
                    generated: false,
                    default: column.default.clone(),
                });
                let relation =
                    Relation { columns: columns.collect(), engine_name: Some(engine), ..Relation::default() };
                self.catalog.relations.insert(name, relation);
            }
            Command::ExecuteImmediate(execute) => {
                let brickyard_sql::query::ExprKind::String(text) = &execute.text.kind else {
                    return Ok(None);
                };
                let mut values = Vec::new();
                for (expr, _) in &execute.using {
                    let rows =
                        Box::pin(self.attempt(&format!("SELECT {}", expr.span.of(sql)), &Parameters::None))
                            .await?;
                    values.push(argument(&rows.unwrap()[0][0]));
                }
                return Box::pin(self.attempt(text, &Parameters::Positional(values))).await;
            }
            _ => return Ok(None),
        }
        Ok(Some(Vec::new()))
    }

    async fn variable(
        &self,
        name: &str,
        data_type: Option<DataType>,
        text: &str,
    ) -> Result<Variable, (String, String)> {
        let refused = |error: SqlError| (error.class, error.message);
        let data_type = data_type.unwrap_or(DataType::Int);
        let query = format!("SELECT CAST(CAST(({text}) AS {data_type}) AS STRING)");
        let statement = plan_query(&query, &self.context, &self.catalog).map_err(refused)?;
        let rows = self.engine(&statement).await?;
        let literal = match &rows[0][0] {
            Value::String(text) => format!("CAST({} AS {data_type})", string_literal(text)),
            _ => format!("CAST(NULL AS {data_type})"),
        };
        Ok(Variable { name: name.to_owned(), qualifier: None, data_type, literal })
    }

    /// A table whose rows are those of a query of the engine.
    pub(crate) async fn table(&mut self, name: &[&str], columns: &str, query: &str) {
        let engine = name.join("_");
        self.raw(&format!("CREATE OR REPLACE TEMPORARY VIEW {engine} AS {query}")).await.unwrap();
        let DataType::Struct(fields) = DataType::from(format!("STRUCT<{columns}>").as_str()) else {
            panic!("{columns}")
        };
        let columns = fields
            .into_iter()
            .map(|field| Column {
                name: field.name,
                data_type: field.data_type,
                mask: None,
                generated: false,
                default: None,
            })
            .collect();
        let relation = Relation { columns, engine_name: Some(engine), ..Relation::default() };
        self.catalog.relations.insert(name.iter().map(|part| (*part).to_owned()).collect(), relation);
    }

    /// Makes a zone the session's.
    pub(crate) async fn zone(&mut self, zone: &str) {
        let setting = [("spark.sql.session.timeZone".to_owned(), zone.to_owned())];
        self.session.configure(&BTreeMap::from(setting)).await.unwrap();
        self.context.local_time = zone != "UTC";
        self.context.zone = (zone != "UTC").then(|| zone.to_owned());
    }

    /// Changes a relation of the catalog.
    pub(crate) fn change(&mut self, name: &[&str], change: impl FnOnce(&mut Relation)) {
        let name: Vec<String> = name.iter().map(|part| (*part).to_owned()).collect();
        change(self.catalog.relations.get_mut(&name).unwrap());
    }

    /// The text planned for a statement.
    pub(crate) fn planned(&self, sql: &str) -> Result<EngineStatement, SqlError> {
        plan_query(sql, &self.context, &self.catalog)
    }
}

/// A parameter of the type a JSON value suggests; `DATE:…` is a date.
pub(crate) fn argument(value: &Value) -> Parameter {
    let (sql_type, text) = match value {
        Value::Null => ("VOID", None),
        Value::Bool(value) => ("BOOLEAN", Some(value.to_string())),
        Value::Number(number) if number.is_i64() => ("INT", Some(number.to_string())),
        Value::Number(number) => ("DOUBLE", Some(number.to_string())),
        Value::String(text) => match text.strip_prefix("DATE:") {
            Some(date) => ("DATE", Some(date.to_owned())),
            None => ("STRING", Some(text.clone())),
        },
        other => panic!("no parameter: {other}"),
    };
    Parameter { sql_type: sql_type.to_owned(), value: text, arguments: None }
}
