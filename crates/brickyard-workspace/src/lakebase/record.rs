use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::store::{Store, StoreError};

const SERVER: &str = "lakebase_server";
const FRONT: &str = "lakebase_front";
const ROLE: &str = "lakebase_role";

/// What is remembered of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerRecord {
    /// Uid of the instance or branch.
    pub(crate) uid: String,
    /// Name in messages, such as `shop` or `projects/shop/branches/production`.
    pub(crate) title: String,
    /// Who made it: owner of the first database.
    pub(crate) creator: String,
    /// Whether first roles and database have been made.
    pub(crate) prepared: bool,
    /// Whether its user has stopped it.
    pub(crate) stopped: bool,
    /// Whether roles with a password of their own may log in.
    pub(crate) native_login: bool,
    /// Sessions at once.
    pub(crate) connections: u32,
    /// Seconds without traffic after which the server stops until somebody comes; `None` for never.
    pub(crate) suspend_after: Option<i64>,
    /// Seconds for which earlier states are kept; `None` where nobody asked for that.
    #[serde(default)]
    pub(crate) history: Option<i64>,
    /// Whether SQL can make roles for identities.
    #[serde(default)]
    pub(crate) sql_roles: bool,
    /// SQL files that have been run here, as `database/path`.
    #[serde(default)]
    pub(crate) scripts: Vec<String>,
}

/// What is remembered of an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FrontRecord {
    /// Uid of the instance or endpoint.
    pub(crate) id: String,
    /// Uid of the server behind it.
    pub(crate) server: String,
    /// Whether sessions can only read.
    pub(crate) read_only: bool,
    /// Whether it is a pooled address: backends serve one client after another, and who comes has a password.
    #[serde(default)]
    pub(crate) pooled: bool,
    /// Whether logins are refused.
    pub(crate) disabled: bool,
    /// Sessions at once.
    pub(crate) connections: u32,
    /// Where it listened last, which it tries again.
    pub(crate) address: Option<SocketAddr>,
}

/// A Postgres role as the APIs show it.
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of a Postgres role")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RoleRecord {
    /// Name in Postgres: e-mail address, client id, group name, or any for a native role.
    pub(crate) name: String,
    /// Last part of its resource name.
    pub(crate) id: String,
    /// `USER`, `SERVICE_PRINCIPAL`, `GROUP` or `PG_ONLY`.
    pub(crate) identity_type: String,
    /// `LAKEBASE_OAUTH_V1`, `PG_PASSWORD_SCRAM_SHA_256` or `NO_LOGIN`.
    pub(crate) auth_method: String,
    /// Member of `databricks_superuser`.
    pub(crate) superuser: bool,
    /// May make databases.
    pub(crate) createdb: bool,
    /// May make roles.
    pub(crate) createrole: bool,
    /// Is not held by row security.
    pub(crate) bypassrls: bool,
    /// With what the proxy logs in at an outside server for the role; no client knows it.
    #[serde(default)]
    pub(crate) password: Option<String>,
    /// When it was made, RFC 3339.
    pub(crate) created: String,
    /// When it was changed last, RFC 3339.
    pub(crate) updated: String,
}

/// Lakebase's documents in the store.
#[derive(Clone)]
pub(crate) struct Databases(pub(crate) Store);

impl Databases {
    pub(crate) fn server(&self, uid: &str) -> Result<Option<ServerRecord>, StoreError> {
        self.0.get(SERVER, uid)
    }

    pub(crate) fn put_server(&self, record: &ServerRecord) -> Result<(), StoreError> {
        self.0.put(SERVER, &record.uid, record)
    }

    pub(crate) fn servers(&self) -> Result<Vec<ServerRecord>, StoreError> {
        Ok(self.0.list(SERVER, "")?.into_iter().map(|(_, record)| record).collect())
    }

    /// Forgets a server with its fronts and roles.
    pub(crate) fn delete_server(&self, uid: &str) -> Result<(), StoreError> {
        for front in self.fronts(uid)? {
            self.0.delete(FRONT, &front.id)?;
        }
        for role in self.roles(uid)? {
            self.delete_role(uid, &role.name)?;
        }
        self.0.delete(SERVER, uid).map(|_| ())
    }

    pub(crate) fn front(&self, id: &str) -> Result<Option<FrontRecord>, StoreError> {
        self.0.get(FRONT, id)
    }

    pub(crate) fn put_front(&self, record: &FrontRecord) -> Result<(), StoreError> {
        self.0.put(FRONT, &record.id, record)
    }

    pub(crate) fn delete_front(&self, id: &str) -> Result<bool, StoreError> {
        self.0.delete(FRONT, id)
    }

    /// Fronts of one server; of all servers where `server` is empty.
    pub(crate) fn fronts(&self, server: &str) -> Result<Vec<FrontRecord>, StoreError> {
        let all = self.0.list::<FrontRecord>(FRONT, "")?.into_iter().map(|(_, record)| record);
        Ok(all.filter(|front| server.is_empty() || front.server == server).collect())
    }

    pub(crate) fn role(&self, server: &str, name: &str) -> Result<Option<RoleRecord>, StoreError> {
        self.0.get(ROLE, &format!("{server}/{name}"))
    }

    pub(crate) fn put_role(&self, server: &str, record: &RoleRecord) -> Result<(), StoreError> {
        self.0.put(ROLE, &format!("{server}/{}", record.name), record)
    }

    pub(crate) fn delete_role(&self, server: &str, name: &str) -> Result<bool, StoreError> {
        self.0.delete(ROLE, &format!("{server}/{name}"))
    }

    pub(crate) fn roles(&self, server: &str) -> Result<Vec<RoleRecord>, StoreError> {
        Ok(self.0.list(ROLE, &format!("{server}/"))?.into_iter().map(|(_, record)| record).collect())
    }
}
