//! The four errors that apps meet with Lakebase sooner or later, and what is behind each.

/// An error as drivers tell it, explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Explained {
    /// A few words for it.
    pub(crate) name: &'static str,
    /// Why it comes.
    pub(crate) why: &'static str,
    /// What to do.
    pub(crate) hint: &'static str,
}

struct Known {
    /// Each of these has to be in the message.
    words: &'static [&'static [&'static str]],
    explained: Explained,
}

const KNOWN: [Known; 4] = [
    Known {
        words: &[
            &[".s.PGSQL.5432"],
            &["connect to localhost", "5432"],
            &["connection to server at \"localhost\"", "5432"],
            &["Connect call failed ('127.0.0.1', 5432)"],
            &["Connection to localhost:5432 refused"],
            &["ECONNREFUSED 127.0.0.1:5432"],
        ],
        explained: Explained {
            name: "no host",
            why: "`PGHOST` is empty, so the driver looks for a server on its own machine: the app has no database as a \
                  resource, or was not deployed since it got one",
            hint: "add the database as a resource of the app (locally `[resources.database]` in `brickyard.toml`), then \
                   deploy or run it again",
        },
    },
    Known {
        words: &[
            &["password authentication failed"],
            &["fe_sendauth: no password supplied"],
            &["no password supplied"],
        ],
        explained: Explained {
            name: "no valid token",
            why: "there is no `PGPASSWORD`: the password is an OAuth token of the role itself, which lives one hour, and \
                  this one is missing, old or somebody else's; or the role was made with `CREATE ROLE`, which takes a \
                  password of its own and no token",
            hint: "get a token for every new connection (`WorkspaceClient().config.oauth_token().access_token`, or \
                   `generate_database_credential`), not once at the start; `PGUSER` has to be the token's owner",
        },
    },
    Known {
        words: &[&["role \"", "does not exist"]],
        explained: Explained {
            name: "no role",
            why: "the role is made when the app is deployed with the database as a resource; a user's role is made by \
                  hand",
            hint: "deploy the app again after adding the resource, or create the role for this identity: `CREATE EXTENSION \
                   IF NOT EXISTS databricks_auth; SELECT databricks_create_role('NAME', 'SERVICE_PRINCIPAL')`, 'USER' or \
                   'GROUP' (`brickyard psql`)",
        },
    },
    Known {
        words: &[&["permission denied for "], &["must be owner of "]],
        explained: Explained {
            name: "not the owner",
            why: "tables belong to the role that made them: another app's principal, or you in an earlier session; \
                  `CAN_CONNECT_AND_CREATE` gives no right to them, nor to the schema `public`",
            hint: "let the app make its own schema, or have the owner `GRANT USAGE ON SCHEMA … ` and `GRANT … ON ALL \
                   TABLES IN SCHEMA …` to the app's client id (`brickyard psql`)",
        },
    },
];

/// What an error message means, when it is one of the four.
pub(crate) fn explain(message: &str) -> Option<Explained> {
    let fits =
        |known: &&Known| known.words.iter().any(|words| words.iter().all(|word| message.contains(word)));
    KNOWN.iter().find(fits).map(|known| known.explained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_words_are_understood() {
        for (message, name) in [
            (
                "psycopg.OperationalError: connection to server on socket \"/var/run/postgresql/.s.PGSQL.5432\" failed: No \
                 such file or directory",
                "no host",
            ),
            (
                "connection to server at \"localhost\" (127.0.0.1), port 5432 failed: Connection refused",
                "no host",
            ),
            (
                "OSError: Multiple exceptions: [Errno 111] Connect call failed ('::1', 5432, 0, 0), [Errno 111] Connect call \
                 failed ('127.0.0.1', 5432)",
                "no host",
            ),
            (
                "org.postgresql.util.PSQLException: Connection to localhost:5432 refused. Check that the hostname and port \
                 are correct",
                "no host",
            ),
            ("Error: connect ECONNREFUSED 127.0.0.1:5432", "no host"),
            ("FATAL:  password authentication failed for user 'x'", "no valid token"),
            ("fe_sendauth: no password supplied", "no valid token"),
            (
                "asyncpg.exceptions.InvalidAuthorizationSpecificationError: role \"7a3c\" does not exist",
                "no role",
            ),
            ("permission denied for schema public", "not the owner"),
            ("psycopg2.errors.InsufficientPrivilege: must be owner of table todo", "not the owner"),
        ] {
            assert_eq!(explain(message).map(|explained| explained.name), Some(name), "{message}");
        }
        assert_eq!(explain("relation \"todo\" does not exist"), None);
    }
}
