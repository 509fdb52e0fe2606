use arrow_array::RecordBatch;
use brickyard_sql::{
    Body, Context, EngineStatement, Name, Plan, Reference, Schemas, Statement, parse, plan, references,
};
use uuid::Uuid;

use super::commands;
use super::fault::Fault;
use super::information_schema;
use super::name::full_name;
use super::outcome::Outcome;
use super::planner::{Sight, information_schema_tables};
use super::session::{Session, Settings};
use crate::catalog::{Catalog, Identity, TableRecord};
use crate::workspace::Workspace;

/// Everything a statement needs while it runs: whose it is, where, and by what id the engine knows it.
pub(crate) struct Scene<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) session: &'a Session,
    pub(crate) operation: Uuid,
    pub(crate) identity: Identity,
    admin: Identity,
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
        Ok(Self { workspace, session, operation, identity, admin })
    }

    pub(crate) fn catalog(&self) -> &'a Catalog {
        self.workspace.catalog()
    }

    /// The session's state as it is now.
    pub(crate) fn settings(&self) -> Settings {
        self.session.settings().clone()
    }

    /// Carries a bound statement out.
    pub(crate) async fn run(&self, sql: &str) -> Result<Outcome, Fault> {
        let statement = parse(sql)?;
        if let Body::Command(command) = &statement.body {
            return Box::pin(commands::run(self, sql, command)).await;
        }
        let (planned, touched, delegated) = self.plan(&statement)?;
        self.bring(&touched).await?;
        let Body::Dml(dml) = &statement.body else { return self.engine(&planned, delegated).await };
        let kind = super::change::Changed::of(&dml.kind);
        let target = touched.iter().find(|reference| reference.kind == brickyard_sql::ReferenceKind::Write);
        let target = target.and_then(|target| self.table(&target.parts).ok());
        self.change(planned, delegated, kind, target).await
    }

    /// Gives the engine the tables of `information_schema` that a statement reads, as this caller may see them; and
    /// the rows of `samples` where the engine does not ask for them itself.
    async fn bring(&self, touched: &[Reference]) -> Result<(), Fault> {
        if self.workspace.config().engine.is_some() {
            for reference in touched {
                if let Ok(table) = self.table(&reference.parts) {
                    self.workspace.make_sample(&table).await?;
                }
            }
        }
        for (catalog, table) in information_schema_tables(touched, &self.settings().catalog) {
            if let Some(rows) = information_schema::rows(self.catalog(), &self.identity, &catalog, &table)? {
                let engine = self.session.engine(self.workspace).await?;
                engine.put_view(&information_schema::view_name(&catalog, &table), vec![rows]).await?;
            }
        }
        Ok(())
    }

    /// Runs a query of our own making or of a command's, as the caller.
    pub(crate) async fn query(&self, sql: &str) -> Result<Outcome, Fault> {
        let (planned, touched, delegated) = self.plan(&parse(sql)?)?;
        self.bring(&touched).await?;
        self.engine(&planned, delegated).await
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
        let (planned, touched, delegated) = self.plan(&parse(sql)?)?;
        self.bring(&touched).await?;
        let _delegation = self.session.delegate(self.workspace, delegated).await?;
        let engine = self.session.engine(self.workspace).await?;
        self.prepare(engine, &planned).await?;
        Ok(engine.schema(&planned.sql, &brickyard_engine::Parameters::None).await?)
    }

    /// Authorizes a query or change and plans it for the engine.
    fn plan(&self, statement: &Statement) -> Result<(EngineStatement, Vec<Reference>, Vec<String>), Fault> {
        let settings = self.settings();
        let sight = Sight {
            catalog: self.catalog(),
            identity: &self.identity,
            settings: &settings,
            by_place: self.workspace.config().engine.is_some(),
            admin: &self.admin,
        };
        let touched = references(statement)?;
        sight.authorize(&touched)?;
        let context = Context {
            catalog: settings.catalog.clone(),
            schema: settings.schema.clone(),
            user: self.session.caller.name().to_owned(),
            variables: settings.variables.clone(),
        };
        match plan(statement, &context, &sight as &dyn Schemas)? {
            Plan::Engine(planned) => {
                let delegated = sight.delegated(&touched, &planned.definer_reads);
                Ok((planned, touched, delegated))
            }
            Plan::Command(_) => Err(Fault::internal("A command stands where a query must")),
        }
    }

    async fn prepare(
        &self,
        engine: &brickyard_engine::Session,
        planned: &EngineStatement,
    ) -> Result<(), Fault> {
        for setup in &planned.setup {
            let stream = engine.execute(Uuid::new_v4(), setup, &brickyard_engine::Parameters::None).await?;
            stream.collect().await?;
        }
        Ok(())
    }

    async fn engine(&self, planned: &EngineStatement, delegated: Vec<String>) -> Result<Outcome, Fault> {
        let delegation = self.session.delegate(self.workspace, delegated).await?;
        let engine = self.session.engine(self.workspace).await?;
        self.prepare(engine, planned).await?;
        let stream = engine.execute(self.operation, &planned.sql, &brickyard_engine::Parameters::None).await;
        let stream = stream.map_err(|error| arithmetic(error.into(), planned.checked))?;
        let mut outcome = Outcome::engine(stream);
        outcome.checked = planned.checked;
        outcome.keep = delegation;
        Ok(outcome)
    }

    /// Changes rows: one change of a table at a time, and the counts from its log.
    async fn change(
        &self,
        planned: EngineStatement,
        delegated: Vec<String>,
        changed: super::change::Changed,
        target: Option<TableRecord>,
    ) -> Result<Outcome, Fault> {
        let Some(target) = target else {
            self.drain(&planned, delegated).await?;
            return Ok(Outcome::nothing());
        };
        let lock = self.workspace.warehouses().writer(&target.full_name());
        let _writing = lock.lock().await;
        let before = self.catalog().version(&target).ok();
        self.drain(&planned, delegated).await?;
        let rows = before.and_then(|before| self.catalog().affected_rows(&target, before).ok());
        let rows = rows.and_then(|rows| i64::try_from(rows).ok());
        let mut outcome = changed.grid(rows).outcome()?;
        outcome.modified = rows;
        Ok(outcome)
    }

    async fn drain(&self, planned: &EngineStatement, delegated: Vec<String>) -> Result<(), Fault> {
        let mut outcome = self.engine(planned, delegated).await?;
        while outcome.next().await?.is_some() {}
        Ok(())
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
    if checked
        && matches!(
            fault.class.as_str(),
            "CAST_OVERFLOW" | "CAST_INVALID_INPUT" | "NUMERIC_VALUE_OUT_OF_RANGE"
        )
    {
        return Fault::new(
            "ARITHMETIC_OVERFLOW",
            "22003",
            "Arithmetic overflow. Use a wider type, or `try_add`, `try_subtract`, `try_multiply` or `try_sum` to tolerate overflow and return NULL instead.",
        );
    }
    fault
}
