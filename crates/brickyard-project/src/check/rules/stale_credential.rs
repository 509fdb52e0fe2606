use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds connection pools for Lakebase whose password is taken once.
    ///
    /// ## Why is this bad?
    /// The password is a token that lives for an hour. New connections of the pool fail after that.
    ///
    /// ## Example
    /// ```python
    /// engine = create_engine(f"postgresql://{user}:{token}@{host}/{db}")
    /// ```
    /// Use instead an event that puts a fresh token into every new connection:
    /// ```python
    /// @event.listens_for(engine, "do_connect")
    /// def fresh(dialect, record, args, kwargs):
    ///     kwargs["password"] = cfg.oauth_token().access_token
    /// ```
    pub(crate) static RULE = { code: "BY501", name: "stale-credential", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        let text = module.source.text();
        let mints = text.contains("generate_database_credential") || text.contains("oauth_token");
        let fresh = || ["do_connect", "creator=", "connection_class", "async_creator", "getconn", "reconnect", "refresh", "expir"].iter().any(|word| text.contains(word));
        if !mints || fresh() {
            continue;
        }
        for call in &module.calls {
            let pool = matches!(
                call.name.as_str(),
                "sqlalchemy.create_engine" | "sqlalchemy.ext.asyncio.create_async_engine" | "psycopg_pool.ConnectionPool" | "psycopg_pool.AsyncConnectionPool" | "asyncpg.create_pool" | "psycopg2.pool.SimpleConnectionPool" | "psycopg2.pool.ThreadedConnectionPool"
            );
            let function = &module.functions[call.scope];
            // Made once: while the app starts, in a class that keeps it, or by a function that is called at the start.
            let once = function.name == "__init__" && function.class.is_some()
                || function.decorators.iter().any(|(name, _)| name == "contextlib.asynccontextmanager" || name.ends_with(".on_event()"))
                || module.calls.iter().any(|other| other.scope == 0 && other.raw == function.name);
            let kept = call.scope == 0
                || once
                || module.scopes(call.scope).any(|scope| module.functions[scope].decorators.iter().any(|(name, _)| name.contains("cache")));
            if pool && kept {
                findings
                    .at(&module.source, call.span, "The pool keeps one token, which lives for an hour")
                    .hint("put a fresh token into every new connection, for example with the event `do_connect`");
            }
        }
    }
}
