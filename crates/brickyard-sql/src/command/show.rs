//! `SHOW …`.

use super::{Command, Securable};
use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::token::TokenKind;

/// Which part of the catalog is listed.
#[derive(Debug, Clone)]
pub enum Scope {
    /// The session's current schema or catalog.
    Current,
    /// `IN name`, also `IN SCHEMA name`.
    Name(Name),
    /// `IN CATALOG name`.
    Catalog(Name),
    /// `IN ALL CATALOGS`.
    AllCatalogs,
}

/// The questions.
#[derive(Debug, Clone)]
pub enum Show {
    /// `SHOW CATALOGS [LIKE 'p']`.
    Catalogs {
        /// The pattern.
        pattern: Option<String>,
    },
    /// `SHOW SCHEMAS|DATABASES`.
    Schemas {
        /// Where.
        scope: Scope,
        /// The pattern.
        pattern: Option<String>,
    },
    /// `SHOW TABLES [IN …] [SCHEMA LIKE 'p'] [[TABLE] LIKE 'p']`.
    Tables {
        /// Where.
        scope: Scope,
        /// Pattern of the schemas' names.
        schema_pattern: Option<String>,
        /// Pattern of the tables' names.
        pattern: Option<String>,
    },
    /// `SHOW TABLE EXTENDED IN … LIKE 'p'`.
    TableExtended {
        /// Where.
        scope: Scope,
        /// The pattern.
        pattern: String,
    },
    /// `SHOW TABLES DROPPED`.
    TablesDropped {
        /// Where.
        scope: Scope,
    },
    /// `SHOW VIEWS`.
    Views {
        /// Where.
        scope: Scope,
        /// The pattern.
        pattern: Option<String>,
    },
    /// `SHOW COLUMNS IN table`.
    Columns {
        /// The table.
        table: Name,
    },
    /// `SHOW COLUMNS IN CATALOG c [SCHEMA LIKE 'p'] [TABLE LIKE 'p'] [LIKE 'p']`.
    ColumnsIn {
        /// Where.
        scope: Scope,
        /// Pattern of the schemas' names.
        schema_pattern: Option<String>,
        /// Pattern of the tables' names.
        table_pattern: Option<String>,
        /// Pattern of the columns' names.
        pattern: Option<String>,
    },
    /// `SHOW [USER|SYSTEM|ALL] FUNCTIONS`.
    Functions {
        /// `USER`, `SYSTEM`, `ALL`.
        kind: String,
        /// Where.
        scope: Scope,
        /// The pattern, or the name of one function.
        pattern: Option<String>,
    },
    /// `SHOW FUNCTIONS IN CATALOG c [SCHEMA LIKE 'p'] [LIKE 'p']`, by which drivers ask.
    FunctionsIn {
        /// Where.
        scope: Scope,
        /// Pattern of the schemas' names.
        schema_pattern: Option<String>,
        /// Pattern of the functions' names.
        pattern: Option<String>,
    },
    /// `SHOW VOLUMES`.
    Volumes {
        /// Where.
        scope: Scope,
        /// The pattern.
        pattern: Option<String>,
    },
    /// `SHOW GRANTS [principal] ON kind name`, `SHOW GRANTS principal`.
    Grants {
        /// Of whom.
        principal: Option<String>,
        /// On what.
        on: Option<(Securable, Option<Name>)>,
    },
    /// `SHOW TBLPROPERTIES table [(key)]`.
    Properties {
        /// The table.
        table: Name,
        /// One key.
        key: Option<String>,
    },
    /// `SHOW CREATE TABLE table`.
    CreateTable(Name),
    /// `SHOW PARTITIONS table`.
    Partitions(Name),
    /// `SHOW CURRENT SCHEMA` and `SHOW CURRENT NAMESPACE`.
    CurrentSchema,
    /// `SHOW GROUPS [WITH USER u] [LIKE 'p']`.
    Groups {
        /// The pattern.
        pattern: Option<String>,
    },
    /// `SHOW USERS [LIKE 'p']`.
    Users {
        /// The pattern.
        pattern: Option<String>,
    },
    /// `SHOW TAGS ON kind name`.
    Tags {
        /// The kind.
        kind: Securable,
        /// The name.
        name: Name,
    },
    /// `SHOW PRIMARY KEYS IN …`, `SHOW KEYS`: the table.
    Keys(Name),
    /// `SHOW KEYS IN CATALOG c IN SCHEMA s IN TABLE t`, by which drivers ask: the table.
    KeysIn(Name),
    /// `SHOW FOREIGN KEYS IN CATALOG c IN SCHEMA s IN TABLE t`, by which drivers ask: the table.
    ForeignKeysIn(Name),
    /// `SHOW LOCATIONS` and other lists that are empty on a new workspace: the words, such as `EXTERNAL LOCATIONS`.
    Other(String),
}

impl Parser<'_> {
    pub(super) fn show(&mut self) -> Result<Command, SqlError> {
        self.expect_words("SHOW")?;
        let show = if self.words("CATALOGS") {
            Show::Catalogs { pattern: self.pattern()? }
        } else if self.words("SCHEMAS") || self.words("DATABASES") {
            Show::Schemas { scope: self.scope()?, pattern: self.pattern()? }
        } else if self.words("TABLES DROPPED") {
            Show::TablesDropped { scope: self.scope()? }
        } else if self.words("TABLES") {
            let scope = self.scope()?;
            let schema_pattern = self.pattern_of("SCHEMA")?;
            let pattern = match self.pattern_of("TABLE")? {
                Some(pattern) => Some(pattern),
                None => self.pattern()?,
            };
            Show::Tables { scope, schema_pattern, pattern }
        } else if self.words("TABLE EXTENDED") {
            let scope = self.scope()?;
            Show::TableExtended { scope, pattern: self.pattern()?.ok_or_else(|| self.error())? }
        } else if self.words("VIEWS") {
            Show::Views { scope: self.scope()?, pattern: self.pattern()? }
        } else if self.words("COLUMNS") {
            self.show_columns()?
        } else if self.words("FUNCTIONS") {
            self.show_functions("ALL")?
        } else if let Some(words) = self.one_of(&["USER FUNCTIONS", "SYSTEM FUNCTIONS", "ALL FUNCTIONS"]) {
            self.show_functions(words.split(' ').next().unwrap_or("ALL"))?
        } else if self.words("VOLUMES") {
            Show::Volumes { scope: self.scope()?, pattern: self.pattern()? }
        } else if self.words("GRANTS") || self.words("GRANT") {
            self.show_grants()?
        } else if self.words("TBLPROPERTIES") {
            let table = self.object()?;
            let key = if self.is_symbol("(") { self.parenthesized(Self::property_key)?.pop() } else { None };
            Show::Properties { table, key }
        } else if self.words("CREATE TABLE") || self.words("CREATE VIEW") {
            let table = self.object()?;
            self.words("AS SERDE");
            Show::CreateTable(table)
        } else if self.words("PARTITIONS") {
            let table = self.object()?;
            if self.words("PARTITION") {
                self.skip_brackets()?;
            }
            Show::Partitions(table)
        } else if self.words("CURRENT SCHEMA")
            || self.words("CURRENT NAMESPACE")
            || self.words("CURRENT DATABASE")
        {
            Show::CurrentSchema
        } else if self.words("GROUPS") {
            if self.words("WITH USER") || self.words("WITH GROUP") {
                self.principal()?;
            }
            Show::Groups { pattern: self.pattern()? }
        } else if self.words("USERS") {
            Show::Users { pattern: self.pattern()? }
        } else if self.words("TAGS ON") {
            let kind = self.securable().ok_or_else(|| self.error())?;
            Show::Tags { kind, name: self.object()? }
        } else if self.words("FOREIGN KEYS") {
            Show::ForeignKeysIn(self.table_in_catalog()?)
        } else if self.words("PRIMARY KEYS") || self.words("KEYS") {
            if self.is_words("IN CATALOG") && !self.is_symbol_at(2, ".") {
                Show::KeysIn(self.table_in_catalog()?)
            } else {
                self.one_of(&["IN", "FROM"]);
                Show::Keys(self.object()?)
            }
        } else {
            const OTHER: [&str; 13] = [
                "EXTERNAL LOCATIONS",
                "LOCATIONS",
                "STORAGE CREDENTIALS",
                "CREDENTIALS",
                "SERVICE CREDENTIALS",
                "CONNECTIONS",
                "SHARES",
                "RECIPIENTS",
                "PROVIDERS",
                "POLICIES",
                "PROCEDURES",
                "ALL IN SHARE",
                "SHARES IN PROVIDER",
            ];
            let words = self.one_of(&OTHER).ok_or_else(|| self.error())?;
            while self.advance().is_some() {}
            Show::Other(words.to_owned())
        };
        Ok(Command::Show(show))
    }

    fn scope(&mut self) -> Result<Scope, SqlError> {
        if self.one_of(&["IN", "FROM"]).is_none() {
            return Ok(Scope::Current);
        }
        if self.words("ALL CATALOGS") {
            return Ok(Scope::AllCatalogs);
        }
        if self.is_word_at(0, "CATALOG") && matches!(self.kind(1), Some(TokenKind::Word | TokenKind::Quoted))
        {
            self.advance();
            return self.object().map(Scope::Catalog);
        }
        if matches!(self.kind(1), Some(TokenKind::Word | TokenKind::Quoted))
            && !self.is_word_at(1, "LIKE")
            && !self.is_word_at(1, "SCHEMA")
        {
            self.one_of(&["SCHEMA", "DATABASE", "NAMESPACE"]);
        }
        self.object().map(Scope::Name)
    }

    /// `[LIKE] 'pattern'`.
    fn pattern(&mut self) -> Result<Option<String>, SqlError> {
        if self.words("LIKE") || self.words("ILIKE") {
            return self.string().map(Some);
        }
        if self.kind(0) == Some(TokenKind::String) { self.string().map(Some) } else { Ok(None) }
    }

    /// `SCHEMA LIKE 'p'`, `TABLE LIKE 'p'`.
    fn pattern_of(&mut self, word: &str) -> Result<Option<String>, SqlError> {
        if self.is_word_at(0, word) && self.is_word_at(1, "LIKE") {
            self.advance();
            return self.pattern();
        }
        Ok(None)
    }

    fn show_columns(&mut self) -> Result<Show, SqlError> {
        let in_scope = (self.is_word_at(0, "IN") || self.is_word_at(0, "FROM"))
            && ((self.is_word_at(1, "CATALOG") && !self.is_symbol_at(2, "."))
                || self.is_words("IN ALL CATALOGS"));
        if in_scope {
            let scope = self.scope()?;
            let schema_pattern = self.pattern_of("SCHEMA")?;
            let table_pattern = self.pattern_of("TABLE")?;
            return Ok(Show::ColumnsIn { scope, schema_pattern, table_pattern, pattern: self.pattern()? });
        }
        self.one_of(&["IN", "FROM"]).ok_or_else(|| self.error())?;
        let mut table = self.object()?;
        // `SHOW COLUMNS IN t IN s` names the schema apart.
        if self.one_of(&["IN", "FROM"]).is_some() && table.parts.len() == 1 {
            let mut schema = self.object()?;
            schema.parts.append(&mut table.parts);
            table = schema;
        }
        Ok(Show::Columns { table })
    }

    /// `IN CATALOG c IN SCHEMA s IN TABLE t`.
    fn table_in_catalog(&mut self) -> Result<Name, SqlError> {
        let mut name: Option<Name> = None;
        for words in ["IN CATALOG", "IN SCHEMA", "IN TABLE"] {
            self.expect_words(words)?;
            let part = self.object()?;
            match &mut name {
                Some(name) => name.parts.extend(part.parts),
                None => name = Some(part),
            }
        }
        name.ok_or_else(|| self.error())
    }

    fn show_functions(&mut self, kind: &str) -> Result<Show, SqlError> {
        let scope = self.scope()?;
        if matches!(scope, Scope::Catalog(_) | Scope::AllCatalogs) {
            let schema_pattern = self.pattern_of("SCHEMA")?;
            return Ok(Show::FunctionsIn { scope, schema_pattern, pattern: self.pattern()? });
        }
        let mut pattern = self.pattern()?;
        if pattern.is_none() && self.is_ident() {
            pattern = Some(self.name()?.values().join("."));
        }
        Ok(Show::Functions { kind: kind.to_owned(), scope, pattern })
    }

    fn show_grants(&mut self) -> Result<Show, SqlError> {
        let mut principal = None;
        if !self.is_word_at(0, "ON") && !self.at_end() {
            principal = Some(self.principal()?);
        }
        let mut on = None;
        if self.words("ON") {
            let kind = self.securable();
            let named = !matches!(kind, Some(Securable::Metastore | Securable::AnyFile));
            let name = if named || self.is_ident() { Some(self.object()?) } else { None };
            on = Some((kind.unwrap_or(Securable::Table), name));
        }
        Ok(Show::Grants { principal, on })
    }
}
