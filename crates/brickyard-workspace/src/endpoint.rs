use axum::Router;
use axum::routing::MethodRouter;

use crate::workspace::Workspace;

/// How true an endpoint is to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    /// Behaves as the platform does, as far as the witness looked.
    Full,
    /// Behaves so except for what the sentence says.
    Partial(&'static str),
}

/// One row of `docs/PARITY.md`: an endpoint, how true it is, and the test in which an unmodified client drove it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Family the endpoint belongs to, such as `SQL warehouses`.
    pub family: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path with `{placeholders}`.
    pub path: &'static str,
    /// How true it is.
    pub fidelity: Fidelity,
    /// Test that drove it, as `file::function`; `None` is not green.
    pub witness: Option<&'static str>,
}

/// The endpoints of one API family: routes and their rows, declared together.
///
/// ```ignore
/// pub(crate) fn family() -> Family {
///     Family::new("SQL warehouses")
///         .get("/api/2.0/sql/warehouses", get(list), Fidelity::Full, Some("warehouses::listed_by_the_sdk"))
/// }
/// ```
pub(crate) struct Family {
    name: &'static str,
    pub(crate) router: Router<Workspace>,
    pub(crate) rows: Vec<Endpoint>,
}

impl Family {
    /// A family without endpoints yet.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, router: Router::new(), rows: Vec::new() }
    }

    /// Adds one endpoint; `route` holds the handler for exactly this method.
    #[must_use]
    pub(crate) fn endpoint(
        mut self,
        method: &'static str,
        path: &'static str,
        route: MethodRouter<Workspace>,
        fidelity: Fidelity,
        witness: Option<&'static str>,
    ) -> Self {
        self.router = self.router.route(path, route);
        self.rows.push(Endpoint { family: self.name, method, path, fidelity, witness });
        self
    }
}
