//! Queries and changes authorized and planned for the engine.

use std::collections::HashMap;

use brickyard_sql::{
    Body, Context, Files, OUTSIDE, Plan, Reference, Relation, Schemas, Statement, parse, plan, references,
};

use super::{Planned, Scene};
use crate::catalog::TableRecord;
use crate::warehouse::fault::Fault;
use crate::warehouse::outcome::Keep;
use crate::warehouse::planner::Sight;
use crate::warehouse::session::Settings;
use crate::warehouse::{models, outside};

/// A query that was authorized to be a part of a plan.
pub(crate) struct Part(Planned);

impl Part {
    /// The query as the engine understands it.
    pub(crate) fn sql(&self) -> &str {
        &self.0.statement.sql
    }
}

impl Scene<'_> {
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
                    _ if supposing => outside::supposed(self, &call)?,
                    OUTSIDE => outside::function(self, &call.arguments).await?,
                    "http_request" => outside::http_request(self, &call.arguments).await?,
                    _ => models::answer(self.workspace, &self.session.caller, &call).await?,
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

    /// Authorizes a query that becomes a part of somebody else's plan; nothing of it runs yet.
    pub(crate) fn part(&self, sql: &str) -> Result<Part, Fault> {
        let statement = parse(sql)?;
        if !matches!(statement.body, Body::Query(_)) {
            return Err(Fault::unsupported(
                "a statement that is no query as a part of a plan",
                "Send the statement by itself",
            ));
        }
        let planned = self.plan_with_what_is_seen(&statement)?;
        let more = &planned.statement;
        let alone = more.unknown_files.is_empty()
            && more.unknown_calls.is_empty()
            && brickyard_sql::commands_within(&statement).is_empty();
        if !alone {
            return Err(Fault::unsupported(
                "files, commands and models in a part of a plan",
                "Read them into a table first",
            ));
        }
        Ok(Part(planned))
    }

    /// Makes ready what parts of a plan need; the answer is kept as long as the plan runs.
    pub(crate) async fn ready(&self, parts: &[Part]) -> Result<Keep, Fault> {
        for Part(planned) in parts {
            self.bring(planned).await?;
        }
        let delegated = parts.iter().flat_map(|part| part.0.delegated.clone()).collect();
        let delegation = self.session.delegate(self.workspace, delegated).await?;
        let engine = self.session.engine(self.workspace).await?;
        let mut shown = Vec::new();
        for Part(planned) in parts {
            shown.extend(self.make_ready(&engine, &planned.statement).await?);
        }
        Ok(Keep { delegation, transaction: None, shown })
    }

    fn plan_with_what_is_seen(&self, statement: &Statement) -> Result<Planned, Fault> {
        let settings = self.settings();
        let (files, commands, answers, places) = {
            let seen = self.seen();
            (seen.files.clone(), seen.commands.clone(), seen.answers.clone(), seen.places.clone())
        };
        let transaction = self.transaction();
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
            transaction: transaction.as_deref(),
            bare: self.seen().bare,
            places: &places,
        };
        let touched = references(statement)?;
        sight.authorize(&touched)?;
        if let Some(transaction) = &transaction {
            self.admit_references(transaction, &touched)?;
        }
        let context = Context {
            catalog: settings.catalog.clone(),
            schema: settings.schema.clone(),
            user: self.session.caller.name().to_owned(),
            variables: self.variables(),
            local_time: settings.local_time(),
            zone: settings.zone().map(str::to_owned),
            lenient: lenient(&settings),
        };
        match plan(statement, &context, &sight as &dyn Schemas).map_err(|error| self.told(error.into()))? {
            Plan::Engine(planned) => {
                sight.authorize_definers(&planned.definer_reads)?;
                let mut delegated = sight.delegated(&touched, &planned.definer_reads);
                if let Some(transaction) = &transaction {
                    self.note_reads(transaction, statement, &touched, &planned.definer_reads)?;
                    delegated.extend(transaction.engine_names());
                }
                Ok(Planned { statement: planned, touched, delegated })
            }
            Plan::Command(_) => Err(Fault::internal("A command stands where a query must")),
        }
    }

    /// Refuses a command's references that the caller has no grant for.
    pub(crate) fn authorize(&self, references: &[Reference]) -> Result<(), Fault> {
        self.sight(|sight| sight.authorize(references))
    }

    /// A table as this scene's caller sees it, with its row filter and masks.
    pub(crate) fn relation_of(&self, table: &TableRecord) -> Result<Relation, Fault> {
        self.sight(|sight| sight.relation_of(table))
    }

    fn sight<T>(&self, look: impl FnOnce(&Sight<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let settings = self.settings();
        look(&Sight {
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
            transaction: None,
            bare: false,
            places: &HashMap::new(),
        })
    }
}

/// Whether the session has `ansi_mode` off.
fn lenient(settings: &Settings) -> bool {
    let mut keys = ["ansi_mode", "spark.sql.ansi.enabled"].iter();
    let value = keys.find_map(|key| settings.configuration.get(*key));
    value.is_some_and(|value| value.trim().eq_ignore_ascii_case("false"))
}
