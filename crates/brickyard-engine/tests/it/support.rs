use std::collections::BTreeMap;
use std::ops::Deref;

use arrow_array::RecordBatch;
use arrow_cast::display::array_value_to_string;
use brickyard_engine::{ChildConfig, Engine, EngineConfig, EngineError, Parameters, Session, SessionSpec};
use tempfile::TempDir;
use uuid::Uuid;

/// A Sail of its own for one test.
pub(crate) struct Sail {
    engine: Engine,
    _directory: TempDir,
}

impl Deref for Sail {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Sail {
    pub(crate) async fn start() -> Self {
        Self::of_size(u64::MAX).await
    }

    /// One whose child is replaced when it holds more than `largest` bytes.
    pub(crate) async fn of_size(largest: u64) -> Self {
        let environment = brickyard_testing::python_environment(&["pysail==0.7.2"]);
        let directory = tempfile::tempdir().unwrap();
        let config = ChildConfig {
            executable: environment.program("sail"),
            warden: Vec::new(),
            warehouse_directory: directory.path().join("tables"),
            catalog_url: String::new(),
            catalog_tokens: Vec::new(),
            memory: 1 << 30,
            largest,
        };
        Self { engine: Engine::start(EngineConfig::Child(config)).await.unwrap(), _directory: directory }
    }

    pub(crate) async fn session(&self) -> Session {
        let spec =
            SessionSpec { user: "ada@example.com".to_owned(), slot: None, configuration: BTreeMap::new() };
        self.open(spec).await.unwrap()
    }

    pub(crate) async fn stop(&self) {
        self.engine.stop().await;
    }
}

/// Runs a statement to its end.
pub(crate) async fn rows(
    session: &Session,
    sql: &str,
    parameters: &Parameters,
) -> Result<Vec<RecordBatch>, EngineError> {
    session.execute(Uuid::new_v4(), sql, parameters).await?.collect().await
}

/// The rows of a statement as text: columns by a space, rows by a line.
pub(crate) async fn text(session: &Session, sql: &str, parameters: &Parameters) -> String {
    let batches = rows(session, sql, parameters).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut lines = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| {
                if column.is_null(row) {
                    "NULL".to_owned()
                } else {
                    array_value_to_string(column, row).unwrap()
                }
            });
            lines.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    lines.join("\n")
}

/// The error of a statement that must fail.
pub(crate) async fn failure(session: &Session, sql: &str) -> EngineError {
    rows(session, sql, &Parameters::None).await.expect_err(sql)
}
