//! `GRANT`, `REVOKE`, `DENY`.

use super::{Command, Securable};
use crate::error::SqlError;
use crate::parser::{Name, Parser};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantAction {
    /// `GRANT`.
    Grant,
    /// `REVOKE`.
    Revoke,
    /// `DENY`, which Unity Catalog does not have.
    Deny,
}

/// A change of privileges.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What is done.
    pub action: GrantAction,
    /// Upper-case privileges, such as `USE CATALOG`, `ALL PRIVILEGES`.
    pub privileges: Vec<String>,
    /// The kind of what it is about.
    pub kind: Securable,
    /// Its name; `None` for the metastore.
    pub name: Option<Name>,
    /// To or from whom.
    pub principal: String,
}

impl Parser<'_> {
    pub(super) fn grant(&mut self) -> Result<Command, SqlError> {
        let action = match self.text(0).to_uppercase().as_str() {
            "GRANT" => GrantAction::Grant,
            "REVOKE" => GrantAction::Revoke,
            _ => GrantAction::Deny,
        };
        self.advance();
        let privileges = self.list(|parser| {
            let mut words = Vec::new();
            while parser.is_ident() && !parser.is_word_at(0, "ON") {
                words.push(parser.ident()?.value.to_uppercase());
            }
            if words.is_empty() {
                return Err(parser.error());
            }
            Ok(words.join(" "))
        })?;
        self.expect_words("ON")?;
        let kind = self.securable();
        let named = !matches!(kind, Some(Securable::Metastore | Securable::AnyFile));
        let name = if named { Some(self.object()?) } else { None };
        self.expect_words(if action == GrantAction::Revoke { "FROM" } else { "TO" })?;
        let principal = self.principal()?;
        Ok(Command::Grant(Grant {
            action,
            privileges,
            kind: kind.unwrap_or(Securable::Table),
            name,
            principal,
        }))
    }
}
