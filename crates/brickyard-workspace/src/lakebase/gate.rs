use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use brickyard_postgres::{Client, literal, verify_scram};
use ring::digest::{SHA256, digest};

use super::{Compute, LakebaseError};

/// Passwords that are remembered at once.
const MOST: usize = 64;

/// Checks passwords of native roles against what the server keeps of them.
///
/// A check is dear on purpose, so one that succeeded is remembered: it holds while the server keeps the same.
#[derive(Default)]
pub(super) struct Gate {
    /// Asks the server; kept from one login to the next.
    client: tokio::sync::Mutex<Option<Client>>,
    /// For each role what the server keeps, and a hash of it with the password that fits.
    known: Mutex<HashMap<String, (String, Vec<u8>)>>,
}

impl Gate {
    /// Whether this is the role's password, now.
    pub(super) async fn admits(
        &self,
        compute: &Compute,
        role: &str,
        password: &str,
    ) -> Result<bool, LakebaseError> {
        let Some(verifier) = self.verifier(compute, role).await? else { return Ok(false) };
        // What the server keeps is salted, so the hash is as well.
        let mark = digest(&SHA256, [verifier.as_bytes(), b"\0", password.as_bytes()].concat().as_slice());
        let mark = mark.as_ref().to_vec();
        let fresh = (verifier.clone(), mark);
        if self.known.lock().unwrap_or_else(PoisonError::into_inner).get(role) == Some(&fresh) {
            return Ok(true);
        }
        let password = password.to_owned();
        let fits = tokio::task::spawn_blocking(move || verify_scram(&verifier, &password)).await;
        let fits = fits.unwrap_or(false);
        if fits {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(role.to_owned(), fresh);
        }
        Ok(fits)
    }

    /// What the server keeps of a role's password, while that is valid.
    async fn verifier(&self, compute: &Compute, role: &str) -> Result<Option<String>, LakebaseError> {
        let asked = format!(
            "SELECT rolpassword FROM pg_authid WHERE rolname = {} AND NOT rolsuper AND coalesce(rolvaliduntil, 'infinity') > now()",
            literal(role)
        );
        let mut kept = self.client.lock().await;
        // The server may have been stopped since: a connection of before is not the last word.
        let rows = match kept.as_mut() {
            Some(client) => client.query(&asked).await.ok(),
            None => None,
        };
        let rows = match rows {
            Some(rows) => rows,
            None => kept.insert(compute.client("postgres").await?).query(&asked).await?,
        };
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }
}
