use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

use crate::endpoint::Endpoint;
use crate::error::EngineError;
use crate::raw::{ExecuteRequest, RawCodec};
use crate::socket::Socket;
use crate::wire::{
    Acknowledgement, AnalyzePlanRequest, AnalyzePlanResponse, ConfigRequest, ExecutePlanRequest,
    ExecutePlanResponse, InterruptRequest, ReleaseSessionRequest,
};

/// What a reader that lags may have waiting for it, in bytes: the bound of memory for one result.
const WINDOW: u32 = 4 * 1024 * 1024;

/// Time to reach the engine.
const CONNECT: Duration = Duration::from_secs(30);

/// The remote procedures of Spark Connect over one HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Client {
    channel: Channel,
    metadata: MetadataMap,
}

impl Client {
    /// Connects. Every session has a connection of its own: results that nobody reads must not hold up others through
    /// the connection's window.
    pub(crate) async fn connect(endpoint: &Endpoint) -> Result<Self, EngineError> {
        let builder = Channel::builder(endpoint.uri.clone())
            .connect_timeout(CONNECT)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(i32::MAX.unsigned_abs());
        let channel = match endpoint.tls.clone() {
            None => builder.connect_with_connector(service_fn(Socket::connect)).await,
            Some(tls) => {
                let connect = move |address| tls.clone().connect(address);
                builder.connect_with_connector(service_fn(connect)).await
            }
        };
        let channel = channel.map_err(|error| EngineError::unreachable(&error))?;
        let mut metadata = MetadataMap::new();
        if let Some(token) = &endpoint.token {
            let mut value = ascii(&format!("Bearer {token}"))?;
            value.set_sensitive(true);
            metadata.insert("authorization", value);
        }
        for (key, value) in &endpoint.metadata {
            let key = AsciiMetadataKey::from_bytes(key.as_bytes()).map_err(|_| unfit())?;
            metadata.insert(key, ascii(value)?);
        }
        Ok(Self { channel, metadata })
    }

    pub(crate) async fn execute(
        &self,
        request: ExecutePlanRequest,
    ) -> Result<Streaming<ExecutePlanResponse>, Status> {
        let mut grpc = self.grpc();
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static("/spark.connect.SparkConnectService/ExecutePlan");
        let answer = grpc.server_streaming(self.request(request), path, ProstCodec::default()).await?;
        Ok(answer.into_inner())
    }

    /// Carries out a plan that we have not made, for answers as they are.
    pub(crate) async fn execute_raw(&self, request: ExecuteRequest) -> Result<Streaming<Bytes>, Status> {
        let mut grpc = self.grpc();
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static("/spark.connect.SparkConnectService/ExecutePlan");
        let request = self.request(Bytes::from(request.encode_to_vec()));
        Ok(grpc.server_streaming(request, path, RawCodec).await?.into_inner())
    }

    /// Any other call that has one answer, as it is.
    pub(crate) async fn call_raw(&self, path: &'static str, request: Bytes) -> Result<Bytes, Status> {
        let mut grpc = self.grpc();
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static(path);
        Ok(grpc.unary(self.request(request), path, RawCodec).await?.into_inner())
    }

    pub(crate) async fn analyze(&self, request: AnalyzePlanRequest) -> Result<AnalyzePlanResponse, Status> {
        self.unary("/spark.connect.SparkConnectService/AnalyzePlan", request).await
    }

    pub(crate) async fn config(&self, request: ConfigRequest) -> Result<(), Status> {
        let path = "/spark.connect.SparkConnectService/Config";
        self.unary::<_, Acknowledgement>(path, request).await.map(drop)
    }

    pub(crate) async fn interrupt(&self, request: InterruptRequest) -> Result<(), Status> {
        let path = "/spark.connect.SparkConnectService/Interrupt";
        self.unary::<_, Acknowledgement>(path, request).await.map(drop)
    }

    pub(crate) async fn release_session(&self, request: ReleaseSessionRequest) -> Result<(), Status> {
        let path = "/spark.connect.SparkConnectService/ReleaseSession";
        self.unary::<_, Acknowledgement>(path, request).await.map(drop)
    }

    async fn unary<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc();
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static(path);
        Ok(grpc.unary(self.request(request), path, ProstCodec::<Q, A>::default()).await?.into_inner())
    }

    fn grpc(&self) -> Grpc<Channel> {
        // A piece of a result is as large as the engine makes it.
        Grpc::new(self.channel.clone())
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(usize::MAX)
    }

    fn request<Q>(&self, message: Q) -> Request<Q> {
        Request::from_parts(self.metadata.clone(), tonic::Extensions::new(), message)
    }
}

fn ascii(text: &str) -> Result<AsciiMetadataValue, EngineError> {
    text.parse().map_err(|_| unfit())
}

fn unfit() -> EngineError {
    EngineError::of_us("INVALID_ENGINE_URL", "08001", "`sc://…`: a parameter cannot be sent as a header")
}
