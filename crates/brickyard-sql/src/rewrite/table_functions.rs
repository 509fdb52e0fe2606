//! Functions in `FROM`: generators, `read_files`, functions of the catalog.

use std::rc::Rc;

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Name;
use crate::plan::{self, Routine, qualify};
use crate::query::{Call, ExprKind, Factor};
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::relations::outputs;
use crate::rewrite::scope::{Columns, Output, Relation, Scope};
use crate::rewrite::zones::in_session_zone;
use crate::token::{quote_name, string_literal};

impl Planner<'_> {
    pub(super) fn table_function(
        &mut self,
        factor: &Factor,
        call: &Call,
        scope: &Scope,
        env: &Env,
    ) -> Result<Relation, SqlError> {
        let name = call.name.single().unwrap_or_default().to_lowercase();
        let alias = factor.alias.as_ref().and_then(|alias| alias.relation()).unwrap_or_default();
        let _ = alias;
        let column = |name: &str, data_type: DataType| Output::new(name.to_owned(), data_type);
        let closed =
            |list: Vec<Output>| Relation { columns: Columns { list, open: false }, ..Relation::default() };
        match name.as_str() {
            "range" => {
                let types = self.arguments(call, scope)?;
                for (argument, data_type) in call.arguments.iter().zip(&types) {
                    if matches!(data_type, DataType::Decimal(..) | DataType::Double | DataType::Float) {
                        let value = argument.value.span;
                        self.edits.replace(value, pieces!["CAST(", value, " AS BIGINT)"]);
                    }
                }
                return Ok(closed(vec![column("id", DataType::BigInt)]));
            }
            "read_files" => return self.read_files(factor, call),
            "table_changes" => {
                return Err(SqlError::unsupported(
                    "the change data feed (table_changes)",
                    "Compare two versions with VERSION AS OF",
                ));
            }
            _ => {}
        }
        if call.name.parts.len() == 1 && crate::function::is_builtin(&name) {
            let outputs = self.generator_outputs(&name, call, scope)?;
            if matches!(name.as_str(), "explode" | "explode_outer") {
                self.explode_map(call, scope)?;
            }
            return Ok(Relation {
                columns: outputs
                    .map_or(Columns { list: Vec::new(), open: true }, |list| Columns { list, open: false }),
                ..Relation::default()
            });
        }
        let routine = self.routine(&call.name)?;
        self.inline_table_function(factor, call, &routine, scope, env)
    }

    /// Looks a function up.
    pub(super) fn routine(&mut self, name: &Name) -> Result<Routine, SqlError> {
        let parts = name.values();
        let missing = || {
            let text = format!(
                "Cannot resolve routine {} on search path [`system`.`builtin`, `system`.`session`, {}.{}].",
                name.quoted(),
                quote_name(&self.context.catalog),
                quote_name(&self.context.schema)
            );
            SqlError::new("UNRESOLVED_ROUTINE", "42883", text).at(name.span)
        };
        if let [only] = parts.as_slice()
            && let Some(routine) = self.schemas.temporary_routine(only)
        {
            return Ok(routine);
        }
        let whole = qualify(&parts, &self.context.catalog, &self.context.schema).ok_or_else(missing)?;
        self.schemas.routine(&whole)?.ok_or_else(missing)
    }

    pub(super) fn inline_table_function(
        &mut self,
        factor: &Factor,
        call: &Call,
        routine: &Routine,
        scope: &Scope,
        env: &Env,
    ) -> Result<Relation, SqlError> {
        let _ = env;
        let Some(body) = &routine.body else {
            return Err(SqlError::unsupported(
                "table functions that are not written in SQL",
                "Write the function in SQL",
            ));
        };
        let parameters = self.bound_parameters(call, routine, scope)?;
        let (text, mut columns) =
            self.nested(body, (&routine.catalog, &routine.schema, &routine.owner), Rc::new(parameters))?;
        let mut text = format!("({text})");
        if !routine.returns_table.is_empty() {
            columns = outputs(&routine.returns_table);
            let names: Vec<String> = columns.list.iter().map(|column| quote_name(&column.name)).collect();
            let names = names.join(", ");
            let barrier = self.barrier(&routine.owner);
            text = format!("(SELECT {names} FROM {text} AS `__function`({names}){barrier})");
        }
        let alias = call.name.parts.last().map(|part| part.value.clone()).unwrap_or_default();
        if factor.alias.is_none() {
            text = format!("{text} AS {}", quote_name(&alias));
        }
        self.edits.replace(factor.source, pieces![text]);
        Ok(Relation { qualifier: vec![alias], columns, ..Relation::default() })
    }

    /// `read_files('path', format => 'csv', …)` becomes a temporary view of the session, made before.
    pub(super) fn read_files(&mut self, factor: &Factor, call: &Call) -> Result<Relation, SqlError> {
        let hint = "Give the path and the options as literals";
        let mut options = Vec::new();
        let (mut path, mut format) = (None, None);
        for argument in &call.arguments {
            let value = match &argument.value.kind {
                ExprKind::Boolean(value) => Some(value.to_string()),
                ExprKind::Number(value) => Some(value.clone()),
                _ => constant_string(&argument.value),
            };
            let Some(value) = value else {
                return Err(SqlError::unsupported("this argument of read_files", hint));
            };
            match argument.name.as_ref().map(|name| name.value.to_lowercase()).as_deref() {
                None => path = Some(value),
                // What is authorized is the path that stands first; a second one would be read instead.
                Some("path") => {
                    return Err(SqlError::unsupported("path as a named argument of read_files", hint));
                }
                Some("format") => format = Some(value.to_lowercase()),
                Some(key) => options.push((key.to_owned(), value)),
            }
        }
        let Some(path) = path else { return Err(SqlError::unsupported("read_files without a path", hint)) };
        let format = if let Some(format) = format {
            format
        } else {
            let extension =
                path.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
            match extension.as_str() {
                "csv" | "json" | "parquet" => extension,
                "txt" => "text".to_owned(),
                _ => {
                    return Err(SqlError::unsupported("read_files without a format", "Add format => 'csv'"));
                }
            }
        };
        if !["csv", "json", "parquet", "text", "binaryfile", "avro"].contains(&format.as_str()) {
            return Err(SqlError::unsupported(
                format!("read_files of format {format}"),
                "Use csv, json, parquet or text",
            ));
        }
        if format == "csv" {
            // read_files reads a header and infers types unless told otherwise.
            for (key, value) in [("header", "true"), ("inferSchema", "true")] {
                if !options.iter().any(|(known, _)| known.eq_ignore_ascii_case(key)) {
                    options.push((key.to_owned(), value.to_owned()));
                }
            }
        }
        let local = self.schemas.path(&path)?;
        let mut list = vec![format!("`path` {}", string_literal(&local))];
        let mut schema = String::new();
        for (key, value) in &options {
            if key.eq_ignore_ascii_case("schema") {
                let DataType::Struct(fields) = DataType::from(format!("STRUCT<{value}>").as_str()) else {
                    return Err(SqlError::unsupported(
                        "this schema of read_files",
                        "Give it as 'name TYPE, …'",
                    ));
                };
                let columns: Vec<String> = fields
                    .iter()
                    .map(|field| format!("{} {}", quote_name(&field.name), field.data_type))
                    .collect();
                schema = format!(" ({})", columns.join(", "));
            } else {
                list.push(format!("{} {}", quote_name(key), string_literal(value)));
            }
        }
        let definition = format!("{schema} USING {format} OPTIONS ({})", list.join(", "));
        // The same files have the same name, whenever they are planned.
        let name = format!("__files_{:016x}", fingerprint(&definition));
        let setup = format!("CREATE OR REPLACE TEMPORARY VIEW {name}{definition}");
        self.setup.push(setup.clone());
        self.edits.replace(factor.source, pieces![name.clone()]);
        let columns = self.file_columns(plan::Files { source: name.clone(), setup: Some(setup) });
        if self.context.local_time
            && let Some(zoned) = in_session_zone(&columns, &name)
        {
            self.edits.replace(factor.source, pieces![zoned]);
        }
        Ok(Relation { columns, ..Relation::default() })
    }

    /// The columns of files; when nobody has asked the engine yet, that is noted.
    pub(super) fn file_columns(&mut self, files: plan::Files) -> Columns {
        if let Some(columns) = self.schemas.file_columns(&files) {
            return Columns { open: false, ..outputs(&columns) };
        }
        self.unknown_files.push(files);
        Columns { list: Vec::new(), open: true }
    }
}

/// FNV-1a: stable from run to run.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
