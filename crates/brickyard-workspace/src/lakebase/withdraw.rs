use brickyard_postgres::identifier;
use serde::{Deserialize, Serialize};

use super::{DatabaseBinding, DatabaseTarget, LakebaseError};
use crate::workspace::Workspace;

const KIND: &str = "lakebase_binding";

/// A database that an app was given a role on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Bound {
    server: String,
    database: String,
}

impl Workspace {
    /// Remembers that an app's principal has its role on a database because a resource says so.
    pub(crate) fn note_database(
        &self,
        principal: &str,
        binding: &DatabaseBinding,
    ) -> Result<(), LakebaseError> {
        let bound = Bound { server: binding.server.clone(), database: binding.database.clone() };
        Ok(self.store().put(KIND, &format!("{principal}/{}/{}", bound.server, bound.database), &bound)?)
    }

    /// Takes the rights and roles back that an app's principal has on databases it no longer binds; what its role owns
    /// goes to `heir`, as on the platform. A server that does not run keeps them until the next time.
    pub(crate) async fn withdraw_databases(
        &self,
        principal: &str,
        kept: &[DatabaseTarget],
        heir: &str,
    ) -> Result<(), LakebaseError> {
        let mut wanted = Vec::new();
        for target in kept {
            wanted.extend(self.known_database(target)?.map(|(server, database)| Bound { server, database }));
        }
        for (key, bound) in self.store().list::<Bound>(KIND, &format!("{principal}/"))? {
            if wanted.contains(&bound) {
                continue;
            }
            let last = !wanted.iter().any(|other| other.server == bound.server);
            match self.withdraw_database(principal, &bound, last, heir).await {
                Ok(()) => drop(self.store().delete(KIND, &key)?),
                Err(error) => tracing::warn!(
                    %error,
                    "The role `{principal}` stays on database `{}` for now: {error}",
                    bound.database
                ),
            }
        }
        Ok(())
    }

    async fn withdraw_database(
        &self,
        principal: &str,
        bound: &Bound,
        last: bool,
        heir: &str,
    ) -> Result<(), LakebaseError> {
        let lakebase = self.lakebase();
        let databases = self.databases();
        if databases.server(&bound.server)?.is_none() || databases.role(&bound.server, principal)?.is_none() {
            return Ok(()); // gone already
        }
        let compute = lakebase.ready(self, &bound.server).await?;
        if compute.databases().await?.iter().any(|(name, _)| *name == bound.database) {
            let sql = format!(
                "REVOKE CONNECT, CREATE ON DATABASE {} FROM {}",
                identifier(&bound.database),
                identifier(principal)
            );
            compute.client("postgres").await?.query(&sql).await?;
        }
        if last {
            let heir = lakebase.ensure_role(self, &bound.server, heir).await?;
            lakebase.drop_role(self, &bound.server, principal, Some(&heir.name)).await?;
        }
        Ok(())
    }
}
