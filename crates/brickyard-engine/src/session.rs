use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex as Lock, PoisonError};

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use prost::Message;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use uuid::Uuid;

use crate::connect::Client;
use crate::engine::Inner;
use crate::environment;
use crate::error::EngineError;
use crate::live::{CLIENT_TYPE, Live};
use crate::parameter::Parameters;
use crate::raw::{Beginning, ExecuteRequest, RawResult};
use crate::result::ResultStream;
use crate::wire::{
    AnalyzePlanRequest, AnalyzeSchema, Command, CreateView, ExecutePlanResponse, LocalRelation, Plan,
    Relation, Sql, UserContext, plan, relation,
};
use crate::work::Statement;

/// What a session is opened with.
#[derive(Debug, Clone, Default)]
pub struct SessionSpec {
    /// Name that `current_user()` gives.
    pub user: String,
    /// Which catalog slot the session resolves names through (the child is told its token); `None` for a session that
    /// sees no table but its own.
    pub slot: Option<usize>,
    /// Spark configuration, such as `spark.sql.session.timeZone`.
    pub configuration: BTreeMap<String, String>,
}

/// A user's session: its configuration, its temporary views, its running statements.
///
/// Dropped, it ends: the engine forgets it as soon as none of its statements runs any more.
///
/// When the engine was started anew the session is opened again with the same user, slot and configuration; temporary
/// views are lost, as they are when a warehouse restarts. All methods may be called at once from several tasks.
pub struct Session {
    engine: Arc<Inner>,
    spec: SessionSpec,
    configuration: Lock<BTreeMap<String, String>>,
    live: Mutex<Option<Arc<Live>>>,
    operations: Operations,
}

/// Tokens that end the statements that run.
type Operations = Arc<Lock<HashMap<Uuid, CancellationToken>>>;

impl Session {
    pub(crate) async fn open(engine: Arc<Inner>, spec: SessionSpec) -> Result<Self, EngineError> {
        let mut configuration: BTreeMap<_, _> = engine.defaults().into_iter().collect();
        configuration.extend(spec.configuration.clone());
        let session = Self {
            engine,
            spec,
            configuration: Lock::new(configuration),
            live: Mutex::new(None),
            operations: Operations::default(),
        };
        session.live().await?;
        Ok(session)
    }

    /// Runs a statement, query or command, and returns when its columns are known.
    ///
    /// `operation` must be new; [`Session::cancel`] ends the statement by it, before or after this returns. Parameters
    /// are understood in queries only: elsewhere write them with [`crate::Parameter::inline`].
    pub async fn execute(
        &self,
        operation: Uuid,
        sql: &str,
        parameters: &Parameters,
    ) -> Result<ResultStream, EngineError> {
        let plan = query(parameters.bind(sql)?);
        let token = CancellationToken::new();
        let entry = Entry::new(&self.operations, operation, token.clone());
        let begin = async {
            let live = self.live().await?;
            let work = live.life.begin();
            let stream = live.execute(operation, plan).await?;
            let running = Running { stream, live, token: token.clone(), entry: Some(entry), _work: work };
            ResultStream::begin(running).await
        };
        tokio::select! {
            biased;
            () = token.cancelled() => Err(EngineError::cancelled()),
            result = begin => result,
        }
    }

    /// The columns a query would have, without running it.
    pub async fn schema(&self, sql: &str, parameters: &Parameters) -> Result<SchemaRef, EngineError> {
        let live = self.live().await?;
        let request = AnalyzePlanRequest {
            session_id: live.id.clone(),
            user_context: Some(live.user.clone()),
            client_type: Some(CLIENT_TYPE.to_owned()),
            schema: Some(AnalyzeSchema { plan: Some(query(parameters.bind(sql)?)) }),
        };
        let answer = match live.client.analyze(request).await {
            Ok(answer) => answer,
            Err(status) => return Err(live.life.explain(&status).await),
        };
        let schema = answer.schema.and_then(|schema| schema.schema);
        crate::data_type::schema(&schema.ok_or_else(|| EngineError::internal("The engine gave no schema"))?)
    }

    /// Carries out a plan of a Spark client, a message `Plan`, whose parts the caller has all looked at.
    pub async fn execute_plan(&self, operation: Uuid, plan: Bytes) -> Result<RawResult, EngineError> {
        let live = self.live().await?;
        let request = ExecuteRequest {
            session_id: live.id.clone(),
            user_context: Some(live.user.clone()),
            plan,
            client_type: Some(CLIENT_TYPE.to_owned()),
            operation_id: Some(operation.to_string()),
        };
        let work = live.life.begin();
        match live.client.execute_raw(request).await {
            Ok(stream) => Ok(RawResult { stream, explain: live.life.clone(), _work: work }),
            Err(status) => Err(live.life.explain(&status).await),
        }
    }

    /// Asks about a plan: `rest` holds the fields of an `AnalyzePlanRequest` after the session and its user; the answer is
    /// an `AnalyzePlanResponse`.
    pub async fn analyze_plan(&self, rest: &[u8]) -> Result<Bytes, EngineError> {
        self.call("/spark.connect.SparkConnectService/AnalyzePlan", rest).await
    }

    /// Reads configuration: `rest` holds the fields of a `ConfigRequest` after the session and its user; the answer is a
    /// `ConfigResponse`.
    pub async fn read_configuration(&self, rest: &[u8]) -> Result<Bytes, EngineError> {
        self.call("/spark.connect.SparkConnectService/Config", rest).await
    }

    async fn call(&self, path: &'static str, rest: &[u8]) -> Result<Bytes, EngineError> {
        let live = self.live().await?;
        let beginning = Beginning { session_id: live.id.clone(), user_context: Some(live.user.clone()) };
        let mut request = beginning.encode_to_vec();
        request.extend_from_slice(rest);
        match live.client.call_raw(path, request.into()).await {
            Ok(answer) => Ok(answer),
            Err(status) => Err(live.life.explain(&status).await),
        }
    }

    /// Makes rows known as a temporary view of this session, replacing one of that name. The batches share a schema;
    /// for a view without rows give one batch without rows.
    pub async fn put_view(&self, name: &str, rows: Vec<RecordBatch>) -> Result<(), EngineError> {
        let first = rows.first().ok_or_else(|| EngineError::internal("A view needs a schema"))?;
        let mut writer = StreamWriter::try_new(Vec::new(), &first.schema())?;
        for batch in &rows {
            writer.write(batch)?;
        }
        let data = writer.into_inner()?;
        let relation =
            Relation { kind: Some(relation::Kind::Local(LocalRelation { data: Some(data.into()) })) };
        let view =
            CreateView { input: Some(relation), name: name.to_owned(), is_global: false, replace: true };
        let command = plan::Operation::Command(Command { create_view: Some(view) });
        self.live().await?.run(Plan { operation: Some(command) }).await
    }

    /// Ends a statement by its operation id; one that does not run is no error. The statement's reader is told
    /// `OPERATION_CANCELED`.
    pub async fn cancel(&self, operation: Uuid) -> Result<(), EngineError> {
        let token = lock(&self.operations).get(&operation).cloned();
        let Some(token) = token else { return Ok(()) };
        // First the token: Sail ends an interrupted stream as if it were complete.
        token.cancel();
        let Some(live) = self.live.lock().await.clone() else { return Ok(()) };
        // Before the engine is asked: one whose threads all compute does not answer, and is ended for it.
        live.life.suspect();
        match live.interrupt(operation).await {
            Ok(()) => Ok(()),
            Err(status) => match live.life.explain(&status).await {
                // Nothing runs in a dead engine, nor in one that is being ended for not answering.
                error if live.life.is_over() || error.class == "TEMPORARILY_UNAVAILABLE" => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Changes the session's Spark configuration; kept when the engine is started anew.
    pub async fn configure(&self, pairs: &BTreeMap<String, String>) -> Result<(), EngineError> {
        let live = self.live().await?;
        live.configure(pairs).await?;
        lock(&self.configuration).extend(pairs.clone());
        Ok(())
    }

    async fn live(&self) -> Result<Arc<Live>, EngineError> {
        let life = self.engine.life(self.spec.slot.unwrap_or(0)).await?;
        let mut present = self.live.lock().await;
        if let Some(live) = present.as_ref().filter(|live| live.life.generation == life.generation) {
            return Ok(Arc::clone(live));
        }
        let client = Client::connect(&life.endpoint).await?;
        let user = UserContext { user_id: self.spec.user.clone(), user_name: self.spec.user.clone() };
        let opened = Arc::new(Live { id: Uuid::new_v4().to_string(), life, client, user });
        let configuration = lock(&self.configuration).clone();
        opened.configure(&configuration).await?;
        if let Some(slot) = self.spec.slot.filter(|_| opened.life.has_slots()) {
            let sql = format!("USE CATALOG {}", environment::slot_name(slot));
            opened.run(query(Sql { query: sql, ..Sql::default() })).await?;
        }
        *present = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

/// A statement's answer as it comes.
pub(crate) struct Running {
    stream: Streaming<ExecutePlanResponse>,
    live: Arc<Live>,
    token: CancellationToken,
    entry: Option<Entry>,
    _work: Option<Statement>,
}

impl Running {
    /// The next message; `None` at the end, which a cancelled statement never reaches.
    pub(crate) async fn next(&mut self) -> Result<Option<ExecutePlanResponse>, EngineError> {
        let answer = tokio::select! {
            biased;
            () = self.token.cancelled() => return Err(EngineError::cancelled()),
            answer = self.stream.message() => answer,
        };
        match answer {
            Ok(None) | Err(_) if self.token.is_cancelled() => Err(EngineError::cancelled()),
            Ok(None) => {
                self.entry = None;
                Ok(None)
            }
            Ok(Some(message)) => Ok(Some(message)),
            Err(status) => {
                self.entry = None;
                Err(self.live.life.explain(&status).await)
            }
        }
    }
}

/// A statement's place in the list of those that can be cancelled.
struct Entry {
    operations: Operations,
    operation: Uuid,
}

impl Entry {
    fn new(operations: &Operations, operation: Uuid, token: CancellationToken) -> Self {
        lock(operations).insert(operation, token);
        Self { operations: Arc::clone(operations), operation }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.operations).remove(&self.operation);
    }
}

fn query(sql: Sql) -> Plan {
    Plan { operation: Some(plan::Operation::Root(Relation { kind: Some(relation::Kind::Sql(sql)) })) }
}

fn lock<T>(lock: &Lock<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
