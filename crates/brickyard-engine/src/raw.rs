//! Plans that a Spark client made itself, passed to the engine in a session of ours.
//!
//! The engine understands more of the protocol than we do; who passes a plan has looked at every part of it.

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Status, Streaming};

use crate::wire::UserContext;

/// A request to carry a plan out; `plan` is a message `Plan`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExecuteRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) plan: Bytes,
    #[prost(string, optional, tag = "4")]
    pub(crate) client_type: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) operation_id: Option<String>,
}

/// The fields that every other request begins with.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Beginning {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
}

/// The answers to a plan, each a message `ExecutePlanResponse` as the engine sent it.
pub struct RawResult {
    pub(crate) stream: Streaming<Bytes>,
    /// Kept while answers come: the session must not be opened anew under them.
    pub(crate) explain: crate::engine::Life,
    pub(crate) _work: Option<crate::work::Statement>,
}

impl RawResult {
    /// The next answer; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, crate::EngineError> {
        match self.stream.message().await {
            Ok(message) => Ok(message),
            Err(status) => Err(self.explain.explain(&status).await),
        }
    }
}

/// Messages as they are on the wire.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}
