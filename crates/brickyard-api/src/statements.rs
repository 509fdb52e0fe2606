use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::ApiFailure;

/// A statement to execute on a warehouse.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    /// Warehouse id.
    pub warehouse_id: &'a str,
    /// SQL text, one statement.
    pub text: &'a str,
}

/// A column of a result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type as SQL writes it.
    #[serde(default)]
    pub type_text: String,
}

/// A whole result: columns and rows of text, `None` for NULL.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StatementResult {
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Rows; each has one cell a column.
    pub rows: Vec<Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct Answer {
    statement_id: String,
    status: Status,
    #[serde(default)]
    manifest: Option<Manifest>,
    #[serde(default)]
    result: Option<Chunk>,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Manifest {
    schema: Schema,
}

#[derive(Deserialize)]
struct Schema {
    #[serde(default)]
    columns: Vec<Column>,
}

#[derive(Deserialize, Default)]
struct Chunk {
    #[serde(default)]
    data_array: Vec<Vec<Option<String>>>,
    #[serde(default)]
    next_chunk_index: Option<u32>,
}

impl Client {
    /// Executes a statement and waits for its whole result (Statement Execution API, `INLINE`, `JSON_ARRAY`).
    pub async fn execute(&self, statement: Statement<'_>) -> Result<StatementResult, ApiFailure> {
        let body = json!({
            "warehouse_id": statement.warehouse_id, "statement": statement.text, "wait_timeout": "30s",
            "on_wait_timeout": "CONTINUE", "disposition": "INLINE", "format": "JSON_ARRAY",
        });
        let mut answer: Answer = self.post("/api/2.0/sql/statements", &body).await?;
        while matches!(answer.status.state.as_str(), "PENDING" | "RUNNING") {
            tokio::time::sleep(Duration::from_millis(200)).await;
            answer = self.get(&format!("/api/2.0/sql/statements/{}", answer.statement_id), &[]).await?;
        }
        if answer.status.state != "SUCCEEDED" {
            let error = answer.status.error.unwrap_or_default();
            return Err(ApiFailure::Refused {
                status: http::StatusCode::BAD_REQUEST,
                code: error["error_code"].as_str().unwrap_or(&answer.status.state).to_owned(),
                message: error["message"].as_str().unwrap_or("The statement did not succeed").to_owned(),
            });
        }
        let mut result = StatementResult {
            columns: answer.manifest.map(|manifest| manifest.schema.columns).unwrap_or_default(),
            rows: Vec::new(),
        };
        let mut chunk = answer.result.unwrap_or_default();
        loop {
            result.rows.append(&mut chunk.data_array);
            let Some(index) = chunk.next_chunk_index else { return Ok(result) };
            chunk = self
                .get(&format!("/api/2.0/sql/statements/{}/result/chunks/{index}", answer.statement_id), &[])
                .await?;
        }
    }
}
