//! Taking an Arrow IPC stream apart without decoding it, so that the engine's bytes can go to the client as they came.

use arrow_array::RecordBatch;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_ipc::{MessageHeader, root_as_message};
use arrow_schema::{ArrowError, Schema};
use bytes::Bytes;

/// The messages of a stream.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// The schema message, framed.
    pub(crate) schema: Bytes,
    /// The record-batch messages, framed, with their rows.
    pub(crate) batches: Vec<(Bytes, usize)>,
    /// Whether there are messages that only mean something together, such as dictionaries.
    pub(crate) entangled: bool,
}

/// Cuts a stream at its message borders; the pieces share the stream's memory.
pub(crate) fn split(stream: &Bytes) -> Result<Messages, ArrowError> {
    let short = || ArrowError::IpcError("The stream is cut short".to_owned());
    let word = |at: usize| -> Option<u32> { Some(u32::from_le_bytes(*stream.get(at..)?.first_chunk()?)) };
    let mut messages = Messages::default();
    let mut at = 0;
    while at < stream.len() {
        let start = at;
        let mut length = word(at).ok_or_else(short)?;
        at += 4;
        if length == u32::MAX {
            length = word(at).ok_or_else(short)?;
            at += 4;
        }
        if length == 0 {
            break; // end of stream
        }
        let length = usize::try_from(length).map_err(|_| short())?;
        let end = at.checked_add(length).ok_or_else(short)?;
        let message = root_as_message(stream.get(at..end).ok_or_else(short)?)
            .map_err(|error| ArrowError::IpcError(format!("The stream holds a damaged message: {error}")))?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| short())?;
        at = end.checked_add(body).filter(|&end| end <= stream.len()).ok_or_else(short)?;
        match message.header_type() {
            MessageHeader::Schema => messages.schema = stream.slice(start..at),
            MessageHeader::RecordBatch => {
                let rows = message.header_as_record_batch().map_or(0, |batch| batch.length());
                messages.batches.push((stream.slice(start..at), usize::try_from(rows).unwrap_or(0)));
            }
            _ => messages.entangled = true,
        }
    }
    Ok(messages)
}

/// The whole stream for these rows: schema, batches, end.
pub(crate) fn stream(schema: &Schema, batches: &[RecordBatch]) -> Result<Bytes, ArrowError> {
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), schema, IpcWriteOptions::default())?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    Ok(Bytes::from(writer.into_inner()?))
}

/// The schema message alone, framed.
pub(crate) fn schema(schema: &Schema) -> Result<Bytes, ArrowError> {
    Ok(split(&stream(schema, &[])?)?.schema)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int32Array, StringArray};
    use arrow_ipc::reader::StreamReader;

    use super::*;

    fn batch(from: i32) -> RecordBatch {
        RecordBatch::try_from_iter([
            ("n", Arc::new(Int32Array::from_iter_values(from..from + 3)) as _),
            ("t", Arc::new(StringArray::from(vec![Some("a"), None, Some("ccc")])) as _),
        ])
        .unwrap()
    }

    #[test]
    fn messages_put_together_again_are_the_stream() {
        let batches = [batch(0), batch(3)];
        let stream = stream(&batches[0].schema(), &batches).unwrap();
        let messages = split(&stream).unwrap();
        assert!(!messages.entangled);
        assert_eq!(messages.batches.iter().map(|(_, rows)| *rows).collect::<Vec<_>>(), [3, 3]);
        let pieces = [&messages.schema[..], &messages.batches[0].0, &messages.batches[1].0].concat();
        let read: Vec<RecordBatch> =
            StreamReader::try_new(pieces.as_slice(), None).unwrap().map(Result::unwrap).collect();
        assert_eq!(read, batches);
    }

    #[test]
    fn a_damaged_stream_is_refused() {
        let stream = stream(&batch(0).schema(), &[batch(0)]).unwrap();
        assert!(split(&stream.slice(..stream.len() / 2)).is_err());
        for position in 0..stream.len().min(400) {
            let mut mutated = stream.to_vec();
            mutated[position] ^= 0xff;
            let _ = split(&Bytes::from(mutated));
        }
    }
}
