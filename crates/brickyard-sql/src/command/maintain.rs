//! Care of tables: `OPTIMIZE`, `VACUUM`, `RESTORE`, `TRUNCATE`, `ANALYZE`, `REFRESH`, `CACHE` and the like.

use super::{Command, Securable};
use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::query::Expr;
use crate::token::TokenKind;

/// A point of a table's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// `VERSION AS OF n`.
    Version(u64),
    /// `TIMESTAMP AS OF expression`, its text.
    Timestamp(String),
}

/// The commands.
#[derive(Debug, Clone)]
pub enum Maintain {
    /// `OPTIMIZE table [FULL] [WHERE …] [ZORDER BY (…)]`.
    Optimize {
        /// The table; a path when `delta.` stands before it.
        table: Name,
        /// `WHERE`.
        filter: Option<Expr>,
        /// `ZORDER BY`.
        zorder: Vec<String>,
        /// `FULL`.
        full: bool,
    },
    /// `VACUUM table [LITE|FULL] [RETAIN n HOURS] [DRY RUN]`.
    Vacuum {
        /// The table.
        table: Name,
        /// `RETAIN`, in hours.
        retain_hours: Option<f64>,
        /// `DRY RUN`.
        dry_run: bool,
    },
    /// `RESTORE [TABLE] table [TO] VERSION|TIMESTAMP AS OF …`.
    Restore {
        /// The table.
        table: Name,
        /// To when.
        moment: Moment,
    },
    /// `TRUNCATE TABLE table [PARTITION …]`.
    Truncate {
        /// The table.
        table: Name,
        /// Whether `PARTITION` was given.
        partition: bool,
    },
    /// `ANALYZE TABLE … COMPUTE …`, `ANALYZE TABLES`.
    Analyze {
        /// The table; `None` for `ANALYZE TABLES`.
        table: Option<Name>,
    },
    /// `REFRESH [TABLE|MATERIALIZED VIEW|STREAMING TABLE|FUNCTION] name [FULL] [SYNC|ASYNC]`.
    Refresh {
        /// What; the first three may stand for each other.
        kind: Securable,
        /// Its name; `None` for a path.
        name: Option<Name>,
        /// `FULL`.
        full: bool,
        /// `ASYNC`.
        background: bool,
    },
    /// `CACHE`, `UNCACHE`, `CLEAR CACHE`: no effect on a warehouse; the table when there is one.
    Cache {
        /// The table.
        table: Option<Name>,
    },
    /// `REORG TABLE table APPLY (…)`.
    Reorg {
        /// The table.
        table: Name,
        /// `PURGE` or `UPGRADE UNIFORM`.
        apply: String,
    },
    /// `FSCK REPAIR TABLE table [DRY RUN]`, `MSCK REPAIR TABLE`.
    Repair {
        /// The table.
        table: Name,
        /// `FSCK` or `MSCK`.
        command: String,
        /// `DRY RUN`.
        dry_run: bool,
    },
}

impl Parser<'_> {
    /// Reads `[TO] VERSION AS OF n` or `TIMESTAMP AS OF t`, also with `@`.
    pub(super) fn moment(&mut self) -> Result<Option<Moment>, SqlError> {
        self.words("FOR");
        if self.words("VERSION AS OF") || self.words("SYSTEM_VERSION AS OF") {
            return self.integer().map(|version| Some(Moment::Version(version)));
        }
        if self.words("TIMESTAMP AS OF") || self.words("SYSTEM_TIME AS OF") {
            return Ok(Some(Moment::Timestamp(self.expr()?.span.of(self.sql).to_owned())));
        }
        if self.is_symbol("@") {
            let text = self.text(1).trim_start_matches(['v', 'V']).to_owned();
            let version = text.parse().map_err(|_| self.error())?;
            self.advance();
            self.advance();
            return Ok(Some(Moment::Version(version)));
        }
        Ok(None)
    }

    pub(super) fn maintain(&mut self) -> Result<Command, SqlError> {
        let word = self.text(0).to_uppercase();
        self.advance();
        let maintain = match word.as_str() {
            "OPTIMIZE" => self.optimize()?,
            "VACUUM" => self.vacuum()?,
            "RESTORE" => {
                self.words("TABLE");
                let table = self.table_or_path()?;
                self.words("TO");
                Maintain::Restore { table, moment: self.moment()?.ok_or_else(|| self.error())? }
            }
            "TRUNCATE" => {
                self.expect_words("TABLE")?;
                let table = self.object()?;
                let partition = self.words("PARTITION");
                if partition {
                    self.skip_brackets()?;
                }
                Maintain::Truncate { table, partition }
            }
            "ANALYZE" => {
                let table = if self.words("TABLES") {
                    None
                } else {
                    self.expect_words("TABLE")?;
                    Some(self.object()?)
                };
                while self.advance().is_some() {}
                Maintain::Analyze { table }
            }
            "REFRESH" => {
                let named = self.is_symbol_at(1, ".") || self.peek(1).is_none();
                let kind = if named { None } else { self.securable() };
                if self.kind(0) == Some(TokenKind::String) {
                    self.string()?;
                    let kind = Securable::Table;
                    Maintain::Refresh { kind, name: None, full: false, background: false }
                } else {
                    let name = Some(self.object()?);
                    let full = self.words("FULL");
                    let background = self.one_of(&["SYNC", "ASYNC", "FOREIGN"]) == Some("ASYNC");
                    let kind = kind.unwrap_or(Securable::Table);
                    Maintain::Refresh { kind, name, full, background }
                }
            }
            "CACHE" | "UNCACHE" | "CLEAR" => {
                if word == "CLEAR" {
                    self.expect_words("CACHE")?;
                    Maintain::Cache { table: None }
                } else if self.is_query() && !self.is_word_at(0, "TABLE") {
                    self.query()?;
                    Maintain::Cache { table: None }
                } else {
                    self.words("LAZY");
                    self.words("TABLE");
                    self.words("IF EXISTS");
                    let table = Some(self.object()?);
                    while self.advance().is_some() {}
                    Maintain::Cache { table }
                }
            }
            "REORG" => {
                self.expect_words("TABLE")?;
                let table = self.table_or_path()?;
                while !self.at_end() && !self.is_word_at(0, "APPLY") {
                    self.advance();
                }
                self.expect_words("APPLY")?;
                Maintain::Reorg {
                    table,
                    apply: self.skip_brackets()?.of(self.sql).trim_matches(['(', ')']).trim().to_uppercase(),
                }
            }
            "FSCK" | "MSCK" => {
                self.words("REPAIR");
                self.expect_words("TABLE")?;
                let table = self.table_or_path()?;
                let dry_run = self.words("DRY RUN");
                self.one_of(&["ADD PARTITIONS", "DROP PARTITIONS", "SYNC PARTITIONS", "SYNC METADATA"]);
                Maintain::Repair { table, command: word, dry_run }
            }
            other => return self.unsupported(&format!("{other} …")),
        };
        Ok(Command::Maintain(maintain))
    }

    fn optimize(&mut self) -> Result<Maintain, SqlError> {
        let table = self.table_or_path()?;
        let full = self.words("FULL");
        let filter = if self.words("WHERE") { Some(self.expr()?) } else { None };
        let mut zorder = Vec::new();
        if self.words("ZORDER BY") {
            let column = |parser: &mut Self| Ok(parser.name()?.values().join("."));
            zorder = if self.is_symbol("(") { self.parenthesized(column)? } else { self.list(column)? };
        }
        Ok(Maintain::Optimize { table, filter, zorder, full })
    }

    fn vacuum(&mut self) -> Result<Maintain, SqlError> {
        let table = self.table_or_path()?;
        self.one_of(&["LITE", "FULL"]);
        let mut retain_hours = None;
        if self.words("RETAIN") {
            let hours: f64 = self.text(0).parse().map_err(|_| self.error())?;
            self.advance();
            self.expect_words("HOURS")?;
            retain_hours = Some(hours);
        }
        let dry_run = self.words("DRY RUN");
        Ok(Maintain::Vacuum { table, retain_hours, dry_run })
    }
}
