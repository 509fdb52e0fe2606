use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::ApiFailure;

/// Who the credentials stand for (SCIM `Me`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Me {
    /// Numeric id.
    pub id: String,
    /// E-mail address of a user, client id of a service principal.
    #[serde(rename = "userName")]
    pub user_name: String,
    /// Name shown to people.
    #[serde(rename = "displayName", default)]
    pub display_name: String,
}

impl Client {
    /// `GET /api/2.0/preview/scim/v2/Me`.
    pub async fn me(&self) -> Result<Me, ApiFailure> {
        self.get("/api/2.0/preview/scim/v2/Me", &[]).await
    }
}
