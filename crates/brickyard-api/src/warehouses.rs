use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::ApiFailure;

/// A SQL warehouse, as far as brickyard's commands need it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Warehouse {
    /// Sixteen hexadecimal digits.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// `RUNNING`, `STOPPED`, `STARTING`, …
    #[serde(default)]
    pub state: String,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    warehouses: Vec<Warehouse>,
}

impl Client {
    /// `GET /api/2.0/sql/warehouses`.
    pub async fn warehouses(&self) -> Result<Vec<Warehouse>, ApiFailure> {
        Ok(self.get::<List>("/api/2.0/sql/warehouses", &[]).await?.warehouses)
    }
}
