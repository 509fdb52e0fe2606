mod change;
mod variables;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use brickyard_sql::statement::DmlKind;
use brickyard_sql::{
    Body, Column, Context, EngineStatement, Files, ModelCall, Name, OUTSIDE, Plan, Reference, Relation,
    Schemas, Statement, Variable, parse, plan, references,
};
use uuid::Uuid;

use super::commands;
use super::fault::Fault;
use super::name::full_name;
use super::outcome::Outcome;
use super::planner::{Sight, foreign_view};
use super::result::sql_type::SqlType;
use super::session::{Session, Settings};
use super::system;
use crate::catalog::{Catalog, Delegation, Identity, TableRecord};
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Everything a statement needs while it runs: whose it is, where, and by what id the engine knows it.
pub(crate) struct Scene<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) session: &'a Session,
    pub(crate) operation: Uuid,
    pub(crate) identity: Identity,
    admin: Identity,
    seen: Mutex<Seen>,
}

/// What has been found out while the statement runs.
#[derive(Default)]
struct Seen {
    /// Variables of a script's blocks, the innermost last.
    frames: Vec<Vec<Variable>>,
    /// Columns of files, as the engine found them.
    files: HashMap<Files, Vec<Column>>,
    /// What models have answered, as SQL text.
    answers: HashMap<ModelCall, String>,
    /// Whether nothing outside is asked, for only types are wanted.
    supposing: bool,
    /// Rows of commands that stand in `FROM`, by the command's text.
    commands: HashMap<String, Relation>,
}

/// A statement for the engine, with what it touches and what the engine must be let read for it.
pub(crate) struct Planned {
    pub(crate) statement: EngineStatement,
    pub(crate) touched: Vec<Reference>,
    pub(crate) delegated: Vec<String>,
}

/// A query that was authorized to be a part of a plan.
pub(crate) struct Part(Planned);

impl Part {
    /// The query as the engine understands it.
    pub(crate) fn sql(&self) -> &str {
        &self.0.statement.sql
    }
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        workspace: &'a Workspace,
        session: &'a Session,
        operation: Uuid,
    ) -> Result<Self, Fault> {
        let identity = workspace.catalog().identity(session.caller.name())?;
        let first = workspace.config().users.first();
        let admin = workspace
            .catalog()
            .identity(first.map_or(session.caller.name(), |user| user.user_name.as_str()))?;
        Ok(Self { workspace, session, operation, identity, admin, seen: Mutex::default() })
    }

    pub(crate) fn catalog(&self) -> &'a Catalog {
        self.workspace.catalog()
    }

    /// The session's state as it is now.
    pub(crate) fn settings(&self) -> Settings {
        self.session.settings().clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the catalogs of Lakebase databases that a statement names in line with them.
    async fn refresh_lakebase(&self, sql: &str) -> Result<(), Fault> {
        let current = self.settings().catalog;
        let refreshed = self.workspace.lakebase().refresh_named(self.workspace, sql, &current).await;
        refreshed.map_err(|error| ApiError::from(error).into())
    }

    /// Gives the engine the rows of tables in Lakebase that a statement reads, as they are now.
    async fn show_foreign(&self, planned: &Planned) -> Result<(), Fault> {
        let behind = planned.statement.definer_reads.iter().map(|(_, reference)| reference);
        let mut shown = BTreeSet::new();
        for reference in planned.touched.iter().chain(behind) {
            let Ok(parts) = self.parts(&reference.parts) else { continue };
            let Ok(table) = self.catalog().table_record(&full_name(&parts)) else { continue };
            let Some(place) = table.foreign().filter(|_| shown.insert(table.full_name())) else { continue };
            let rows = self.workspace.lakebase().rows(self.workspace, &place, &table.columns).await;
            let rows = rows.map_err(ApiError::from)?;
            self.session.engine(self.workspace).await?.put_view(&foreign_view(&table), rows).await?;
        }
        Ok(())
    }

    /// Carries a bound statement out.
    pub(crate) async fn run(&self, sql: &str) -> Result<Outcome, Fault> {
        self.refresh_lakebase(sql).await?;
        let sql = &brickyard_sql::bind_identifiers(sql, &self.variables())?;
        let statement = parse(sql)?;
        if let Body::Command(command) = &statement.body {
            return Box::pin(commands::run(self, sql, command)).await;
        }
        if let Some(text) = self.without_replace_using(sql, &statement).await? {
            return Box::pin(self.run(&text)).await;
        }
        let planned = self.plan(&statement).await?;
        self.bring(&planned).await?;
        let Body::Dml(dml) = &statement.body else { return self.engine(&planned).await };
        let kind = super::change::Changed::of(&dml.kind);
        let written = |reference: &&Reference| reference.kind == brickyard_sql::ReferenceKind::Write;
        let target = planned.touched.iter().find(written).and_then(|target| self.table(&target.parts).ok());
        let replaced = match &dml.kind {
            DmlKind::Insert(insert) => insert.replace_where.as_ref().map(|filter| filter.span.of(sql)),
            _ => None,
        };
        self.change(&planned, kind, target, replaced).await
    }

    /// Gives the engine the tables of `information_schema` and the like that a statement reads, as this caller may see them; and
    /// the rows of `samples` where the engine does not ask for them itself.
    async fn bring(&self, planned: &Planned) -> Result<(), Fault> {
        self.show_foreign(planned).await?;
        if self.workspace.config().engine.is_some() {
            for reference in &planned.touched {
                if let Ok(table) = self.table(&reference.parts) {
                    self.workspace.make_sample(&table).await?;
                }
            }
        }
        let current = self.settings().catalog;
        let behind = planned.statement.definer_reads.iter().map(|(_, reference)| reference);
        for reference in planned.touched.iter().chain(behind) {
            let Some(name) = system::whole(&reference.parts, &current) else { continue };
            if let Some(rows) = system::rows(self.workspace, &self.identity, &name)? {
                let engine = self.session.engine(self.workspace).await?;
                engine.put_view(&system::view_name(&name), vec![rows]).await?;
            }
        }
        Ok(())
    }

    /// Runs a query of our own making or of a command's, as the caller.
    pub(crate) async fn query(&self, sql: &str) -> Result<Outcome, Fault> {
        let sql = brickyard_sql::bind_identifiers(sql, &self.variables())?;
        let planned = self.plan(&parse(&sql)?).await?;
        self.bring(&planned).await?;
        self.engine(&planned).await
    }

    /// All rows of a query that gives few.
    pub(crate) async fn collect(&self, sql: &str) -> Result<Vec<RecordBatch>, Fault> {
        let mut outcome = self.query(sql).await?;
        let mut rows = Vec::new();
        while let Some(batch) = outcome.next().await? {
            rows.extend(batch.decode()?);
        }
        Ok(rows)
    }

    /// The columns a query would have.
    pub(crate) async fn schema(&self, sql: &str) -> Result<arrow_schema::SchemaRef, Fault> {
        let sql = brickyard_sql::bind_identifiers(sql, &self.variables())?;
        let planned = self.plan(&parse(&sql)?).await?;
        self.bring(&planned).await?;
        let _delegation = self.session.delegate(self.workspace, planned.delegated.clone()).await?;
        let engine = self.session.engine(self.workspace).await?;
        self.prepare(engine, &planned.statement.setup).await?;
        Ok(engine.schema(&planned.statement.sql, &brickyard_engine::Parameters::None).await?)
    }

    /// Authorizes a query or change and plans it for the engine. Files are looked at first, and commands in `FROM` are run.
    pub(crate) async fn plan(&self, statement: &Statement) -> Result<Planned, Fault> {
        for command in brickyard_sql::commands_within(statement) {
            Box::pin(self.show_command(command)).await?;
        }
        loop {
            let planned = self.plan_with_what_is_seen(statement)?;
            let unknown: Vec<Files> = {
                let seen = self.seen();
                let mut unknown = planned.statement.unknown_files.clone();
                unknown.retain(|files| !seen.files.contains_key(files));
                unknown
            };
            let mut calls = planned.statement.unknown_calls.clone();
            calls.dedup();
            if unknown.is_empty() && calls.is_empty() {
                return Ok(planned);
            }
            for files in unknown {
                self.look_at(files).await?;
            }
            for call in calls {
                let supposing = self.seen().supposing;
                let answer = match call.name.as_str() {
                    _ if supposing => super::outside::supposed(self, &call)?,
                    OUTSIDE => super::outside::function(self, &call.arguments).await?,
                    "http_request" => super::outside::http_request(self, &call.arguments).await?,
                    _ => super::models::answer(self.workspace, &self.session.caller, &call).await?,
                };
                self.seen().answers.insert(call, answer);
            }
        }
    }

    /// From here on calls outside the engine have no value, only a type; until it is taken back, which forgets the answers.
    pub(crate) fn suppose(&self, supposing: bool) {
        let mut seen = self.seen();
        seen.supposing = supposing;
        seen.answers.clear();
    }

    /// Asks the engine for the columns of files that the statement may read.
    async fn look_at(&self, files: Files) -> Result<(), Fault> {
        let engine = self.session.engine(self.workspace).await?;
        self.prepare(engine, files.setup.as_slice()).await?;
        let sql = format!("SELECT * FROM {}", files.source);
        let schema = engine.schema(&sql, &brickyard_engine::Parameters::None).await?;
        let columns = schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            data_type: brickyard_sql::DataType::from(SqlType::of(field).to_string().as_str()),
            mask: None,
            default: None,
        });
        self.seen().files.insert(files, columns.collect());
        Ok(())
    }

    /// Runs a command that stands in `FROM` and gives the engine its rows.
    async fn show_command(&self, command: String) -> Result<(), Fault> {
        let statement = parse(&command)?;
        let Body::Command(parsed) = &statement.body else { return Ok(()) };
        let mut outcome = commands::run(self, &command, parsed).await?;
        let mut rows = Vec::new();
        while let Some(batch) = outcome.next().await? {
            rows.extend(batch.decode()?);
        }
        let columns = outcome.schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            data_type: brickyard_sql::DataType::from(SqlType::of(field).to_string().as_str()),
            mask: None,
            default: None,
        });
        let number = self.seen().commands.len();
        let name = format!("__command_{}_{number}", self.operation.simple());
        let relation =
            Relation { columns: columns.collect(), engine_name: Some(name.clone()), ..Relation::default() };
        if rows.is_empty() {
            rows.push(RecordBatch::new_empty(outcome.schema.clone()));
        }
        self.session.engine(self.workspace).await?.put_view(&name, rows).await?;
        self.seen().commands.insert(command, relation);
        Ok(())
    }

    /// Authorizes a query that becomes a part of somebody else's plan; nothing of it runs yet.
    pub(crate) fn part(&self, sql: &str) -> Result<Part, Fault> {
        let statement = parse(sql)?;
        if !matches!(statement.body, Body::Query(_)) {
            return Err(Fault::unsupported("a statement that is no query as a part of a plan"));
        }
        let planned = self.plan_with_what_is_seen(&statement)?;
        let more = &planned.statement;
        let alone = more.unknown_files.is_empty()
            && more.unknown_calls.is_empty()
            && brickyard_sql::commands_within(&statement).is_empty();
        if !alone {
            return Err(Fault::unsupported("files, commands and models in a part of a plan"));
        }
        Ok(Part(planned))
    }

    /// Makes ready what parts of a plan need; the answer is kept as long as the plan runs.
    pub(crate) async fn ready(&self, parts: &[Part]) -> Result<Option<Delegation>, Fault> {
        for Part(planned) in parts {
            self.bring(planned).await?;
        }
        let delegated = parts.iter().flat_map(|part| part.0.delegated.clone()).collect();
        let delegation = self.session.delegate(self.workspace, delegated).await?;
        let engine = self.session.engine(self.workspace).await?;
        for Part(planned) in parts {
            self.prepare(engine, &planned.statement.setup).await?;
        }
        Ok(delegation)
    }

    fn plan_with_what_is_seen(&self, statement: &Statement) -> Result<Planned, Fault> {
        let settings = self.settings();
        let (files, commands, answers) = {
            let seen = self.seen();
            (seen.files.clone(), seen.commands.clone(), seen.answers.clone())
        };
        let sight = Sight {
            workspace: self.workspace,
            caller: &self.session.caller,
            catalog: self.catalog(),
            identity: &self.identity,
            settings: &settings,
            by_place: self.workspace.config().engine.is_some(),
            admin: &self.admin,
            files: &files,
            commands: &commands,
            answers: &answers,
        };
        let touched = references(statement)?;
        sight.authorize(&touched)?;
        let context = Context {
            catalog: settings.catalog.clone(),
            schema: settings.schema.clone(),
            user: self.session.caller.name().to_owned(),
            variables: self.variables(),
        };
        match plan(statement, &context, &sight as &dyn Schemas)? {
            Plan::Engine(statement) => {
                sight.authorize_definers(&statement.definer_reads)?;
                let delegated = sight.delegated(&touched, &statement.definer_reads);
                Ok(Planned { statement, touched, delegated })
            }
            Plan::Command(_) => Err(Fault::internal("A command stands where a query must")),
        }
    }

    /// Refuses a command's references that the caller has no grant for.
    pub(crate) fn authorize(&self, references: &[Reference]) -> Result<(), Fault> {
        let settings = self.settings();
        Sight {
            workspace: self.workspace,
            caller: &self.session.caller,
            catalog: self.catalog(),
            identity: &self.identity,
            settings: &settings,
            by_place: false,
            admin: &self.admin,
            files: &HashMap::new(),
            commands: &HashMap::new(),
            answers: &HashMap::new(),
        }
        .authorize(references)
    }

    async fn prepare(&self, engine: &brickyard_engine::Session, setup: &[String]) -> Result<(), Fault> {
        for setup in setup {
            let stream = engine.execute(Uuid::new_v4(), setup, &brickyard_engine::Parameters::None).await?;
            stream.collect().await?;
        }
        Ok(())
    }

    pub(crate) async fn engine(&self, planned: &Planned) -> Result<Outcome, Fault> {
        self.engine_text(planned, &planned.statement.sql).await
    }

    /// Runs a text of our own making that no planner sees, which may read these tables whatever is granted; all its rows.
    pub(crate) async fn raw(&self, sql: &str, tables: Vec<String>) -> Result<Vec<RecordBatch>, Fault> {
        let _delegation = self.session.delegate(self.workspace, tables).await?;
        let engine = self.session.engine(self.workspace).await?;
        let stream = engine.execute(Uuid::new_v4(), sql, &brickyard_engine::Parameters::None).await?;
        Ok(stream.collect().await?)
    }

    /// Makes a view over files in the engine and gives its columns.
    pub(crate) async fn file_columns(&self, setup: &str, view: &str) -> Result<Vec<Column>, Fault> {
        let files = Files { source: view.to_owned(), setup: Some(setup.to_owned()) };
        self.look_at(files.clone()).await?;
        Ok(self.seen().files.get(&files).cloned().unwrap_or_default())
    }

    /// Runs a text made of a planned statement in the engine.
    pub(crate) async fn engine_text(&self, planned: &Planned, sql: &str) -> Result<Outcome, Fault> {
        let delegation = self.session.delegate(self.workspace, planned.delegated.clone()).await?;
        let engine = self.session.engine(self.workspace).await?;
        self.prepare(engine, &planned.statement.setup).await?;
        let checked = planned.statement.checked;
        // Statements within a script or command have operations of their own: the engine takes an id once.
        let operation = if self.seen().frames.is_empty() { self.operation } else { Uuid::new_v4() };
        let stream = engine.execute(operation, sql, &brickyard_engine::Parameters::None).await;
        let stream = stream.map_err(|error| arithmetic(error.into(), checked))?;
        let mut outcome = Outcome::engine(stream);
        outcome.checked = checked;
        outcome.keep = delegation;
        Ok(outcome)
    }

    /// A name made whole, quoted as the catalog reads it.
    pub(crate) fn full(&self, name: &Name) -> Result<String, Fault> {
        Ok(full_name(&self.parts(&name.values())?))
    }

    /// The parts of a table-like name made whole.
    pub(crate) fn parts(&self, parts: &[String]) -> Result<Vec<String>, Fault> {
        let settings = self.session.settings();
        brickyard_sql::qualify(parts, &settings.catalog, &settings.schema).ok_or_else(|| {
            let shown = super::name::shown(parts);
            Fault::new(
                "IDENTIFIER_TOO_MANY_NAME_PARTS",
                "42601",
                format_args!("{shown} has more than three parts."),
            )
        })
    }

    /// The parts of a schema's name made whole.
    pub(crate) fn schema_parts(&self, parts: &[String]) -> Result<[String; 2], Fault> {
        match parts {
            [schema] => Ok([self.session.settings().catalog.clone(), schema.clone()]),
            [catalog, schema] => Ok([catalog.clone(), schema.clone()]),
            _ => Err(Fault::new("PARSE_SYNTAX_ERROR", "42601", "A schema has a name of one or two parts.")),
        }
    }

    /// The table of a name as typed, if the caller may see it.
    pub(crate) fn table(&self, parts: &[String]) -> Result<TableRecord, Fault> {
        Ok(self.catalog().get_table(&self.identity, &full_name(&self.parts(parts)?))?)
    }
}

/// Names the fault of a cast that was put in to catch an overflow.
pub(crate) fn arithmetic(fault: Fault, checked: bool) -> Fault {
    let cast =
        matches!(fault.class.as_str(), "CAST_OVERFLOW" | "CAST_INVALID_INPUT" | "NUMERIC_VALUE_OUT_OF_RANGE");
    if checked && (cast || fault.message.contains("is out of range Int")) {
        return Fault::new(
            "ARITHMETIC_OVERFLOW",
            "22003",
            "Arithmetic overflow. Use a wider type, or `try_add`, `try_subtract`, `try_multiply` or `try_sum` to tolerate overflow and return NULL instead.",
        );
    }
    fault
}
