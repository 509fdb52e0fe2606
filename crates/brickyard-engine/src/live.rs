use std::collections::BTreeMap;
use std::time::Duration;

use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::connect::Client;
use crate::engine::Life;
use crate::error::EngineError;
use crate::wire::{
    ConfigOperation, ConfigRequest, ConfigSet, ExecutePlanRequest, ExecutePlanResponse, InterruptRequest,
    KeyValue, Plan, ReleaseSessionRequest, UserContext,
};

/// How we name ourselves to the engine.
pub(crate) const CLIENT_TYPE: &str = "brickyard";

/// "By operation id" in `InterruptRequest`.
const INTERRUPT_OPERATION: i32 = 3;

/// Time the engine has to forget a session.
const RELEASE: Duration = Duration::from_secs(30);

/// A session in one life of the engine; the engine forgets it when neither its owner nor a statement needs it any more.
pub(crate) struct Live {
    pub(crate) id: String,
    pub(crate) life: Life,
    pub(crate) client: Client,
    pub(crate) user: UserContext,
}

impl Live {
    pub(crate) async fn execute(
        &self,
        operation: Uuid,
        plan: Plan,
    ) -> Result<Streaming<ExecutePlanResponse>, EngineError> {
        let request = ExecutePlanRequest {
            session_id: self.id.clone(),
            user_context: Some(self.user.clone()),
            plan: Some(plan),
            client_type: Some(CLIENT_TYPE.to_owned()),
            operation_id: Some(operation.to_string()),
        };
        match self.client.execute(request).await {
            Ok(stream) => Ok(stream),
            Err(status) => Err(self.life.explain(&status).await),
        }
    }

    /// Runs a command of ours to its end.
    pub(crate) async fn run(&self, plan: Plan) -> Result<(), EngineError> {
        let mut stream = self.execute(Uuid::new_v4(), plan).await?;
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(status) => return Err(self.life.explain(&status).await),
            }
        }
    }

    pub(crate) async fn configure(&self, pairs: &BTreeMap<String, String>) -> Result<(), EngineError> {
        if pairs.is_empty() {
            return Ok(());
        }
        let pairs = pairs
            .iter()
            .map(|(key, value)| KeyValue { key: key.clone(), value: Some(value.clone()) })
            .collect();
        let request = ConfigRequest {
            session_id: self.id.clone(),
            user_context: Some(self.user.clone()),
            operation: Some(ConfigOperation { set: Some(ConfigSet { pairs }) }),
            client_type: Some(CLIENT_TYPE.to_owned()),
        };
        match self.client.config(request).await {
            Ok(()) => Ok(()),
            Err(status) => Err(self.life.explain(&status).await),
        }
    }

    /// Asks the engine to end a statement.
    pub(crate) async fn interrupt(&self, operation: Uuid) -> Result<(), Status> {
        let request = InterruptRequest {
            session_id: self.id.clone(),
            user_context: Some(self.user.clone()),
            client_type: Some(CLIENT_TYPE.to_owned()),
            interrupt_type: INTERRUPT_OPERATION,
            operation_id: Some(operation.to_string()),
        };
        self.client.interrupt(request).await
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.life.is_over() {
            return;
        }
        let request = ReleaseSessionRequest {
            session_id: self.id.clone(),
            user_context: Some(self.user.clone()),
            client_type: Some(CLIENT_TYPE.to_owned()),
        };
        let client = self.client.clone();
        runtime.spawn(async move {
            match tokio::time::timeout(RELEASE, client.release_session(request)).await {
                Ok(Ok(())) => {}
                Ok(Err(status)) => tracing::debug!("The engine did not release a session: {status}"),
                Err(_) => tracing::debug!("The engine did not release a session in time"),
            }
        });
    }
}
