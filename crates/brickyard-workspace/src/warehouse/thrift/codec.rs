//! The strict binary protocol of Apache Thrift, as clients send it over HTTP: bytes to messages and back, no I/O.
//!
//! Every length is checked against what is left of the input, nesting is bounded, and one message may hold only so many
//! elements, so that a small input cannot ask for much memory.

mod wire;

use bytes::{BufMut, Bytes, BytesMut};

/// Deepest nesting of structs and containers that is read.
const DEEPEST: usize = 48;

/// Elements and structs that one message may hold.
const MOST_ITEMS: usize = 400_000;

/// From this size on a binary value is passed on as it is instead of being copied.
const SHARED_FROM: usize = 4096;

/// First half of the first word of a strict message.
const VERSION_1: u32 = 0x8001_0000;

/// Types as the binary protocol numbers them.
pub(crate) mod kind {
    pub(crate) const STOP: u8 = 0;
    pub(crate) const BOOL: u8 = 2;
    pub(crate) const BYTE: u8 = 3;
    pub(crate) const DOUBLE: u8 = 4;
    pub(crate) const I16: u8 = 6;
    pub(crate) const I32: u8 = 8;
    pub(crate) const I64: u8 = 10;
    pub(crate) const STRING: u8 = 11;
    pub(crate) const STRUCT: u8 = 12;
    pub(crate) const MAP: u8 = 13;
    pub(crate) const SET: u8 = 14;
    pub(crate) const LIST: u8 = 15;
}

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    /// The input ends inside a value, or a length points behind its end.
    #[error("The message is cut short")]
    Short,
    /// Not the strict binary protocol.
    #[error("The message is not in the strict binary protocol")]
    Version,
    /// A type that the protocol does not have, or another one than the struct needs.
    #[error("The message holds a value of type {0} where none can be")]
    Kind(u8),
    /// A text that is not UTF-8.
    #[error("The message holds a text that is not UTF-8")]
    Text,
    /// Too deep or too many elements.
    #[error("The message is nested too deeply or holds too many elements")]
    Large,
}

/// Reads values from one message.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
    items: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { rest: input, depth: 0, items: MOST_ITEMS }
    }

    /// Name, kind (1 = call, 4 = one-way) and sequence number of a call.
    pub(crate) fn call(&mut self) -> Result<(String, u8, i32), CodecError> {
        let word = u32::from_be_bytes(self.array()?);
        if word & 0xffff_0000 != VERSION_1 {
            return Err(CodecError::Version);
        }
        let name = String::read(self)?;
        let sequence = i32::read(self)?;
        Ok((name, u8::try_from(word & 0xff).unwrap_or_default(), sequence))
    }

    /// Type and id of the next field; `None` at the end of the struct.
    pub(crate) fn field(&mut self) -> Result<Option<(u8, i16)>, CodecError> {
        match self.byte()? {
            kind::STOP => Ok(None),
            kind => Ok(Some((kind, i16::read(self)?))),
        }
    }

    /// Goes into a struct or container.
    pub(crate) fn enter(&mut self) -> Result<(), CodecError> {
        self.depth += 1;
        self.spend(1)?;
        if self.depth > DEEPEST { Err(CodecError::Large) } else { Ok(()) }
    }

    /// Comes out again.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Passes over a value that nobody asked for.
    pub(crate) fn skip(&mut self, kind: u8) -> Result<(), CodecError> {
        match kind {
            kind::BOOL | kind::BYTE => self.take(1).map(drop),
            kind::I16 => self.take(2).map(drop),
            kind::I32 => self.take(4).map(drop),
            kind::DOUBLE | kind::I64 => self.take(8).map(drop),
            kind::STRING => self.binary().map(drop),
            kind::STRUCT => {
                self.enter()?;
                while let Some((kind, _)) = self.field()? {
                    self.skip(kind)?;
                }
                self.leave();
                Ok(())
            }
            kind::SET | kind::LIST => {
                let (element, count) = self.list()?;
                self.enter()?;
                for _ in 0..count {
                    self.skip(element)?;
                }
                self.leave();
                Ok(())
            }
            kind::MAP => {
                let (key, value, count) = self.map()?;
                self.enter()?;
                for _ in 0..count {
                    self.skip(key)?;
                    self.skip(value)?;
                }
                self.leave();
                Ok(())
            }
            other => Err(CodecError::Kind(other)),
        }
    }

    fn list(&mut self) -> Result<(u8, usize), CodecError> {
        let element = self.byte()?;
        Ok((element, self.count()?))
    }

    fn map(&mut self) -> Result<(u8, u8, usize), CodecError> {
        let (key, value) = (self.byte()?, self.byte()?);
        Ok((key, value, self.count()?))
    }

    fn count(&mut self) -> Result<usize, CodecError> {
        let count = usize::try_from(i32::read(self)?).map_err(|_| CodecError::Short)?;
        if count > self.rest.len() {
            return Err(CodecError::Short); // every element takes a byte at least
        }
        self.spend(count)?;
        Ok(count)
    }

    fn spend(&mut self, items: usize) -> Result<(), CodecError> {
        self.items = self.items.checked_sub(items).ok_or(CodecError::Large)?;
        Ok(())
    }

    fn binary(&mut self) -> Result<&'a [u8], CodecError> {
        let length = usize::try_from(i32::read(self)?).map_err(|_| CodecError::Short)?;
        self.take(length)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(CodecError::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(CodecError::Short)?;
        self.rest = rest;
        Ok(head)
    }
}

/// Writes one message; large binary values are shared, not copied.
#[derive(Default)]
pub(crate) struct Writer {
    parts: Vec<Bytes>,
    tail: BytesMut,
}

impl Writer {
    /// Begins a message: kind 2 is a reply, 3 an exception.
    pub(crate) fn message(name: &str, kind: u8, sequence: i32) -> Self {
        let mut writer = Self::default();
        writer.tail.put_u32(VERSION_1 | u32::from(kind));
        writer.binary(name.as_bytes());
        writer.tail.put_i32(sequence);
        writer
    }

    pub(crate) fn field(&mut self, kind: u8, id: i16) {
        self.tail.put_u8(kind);
        self.tail.put_i16(id);
    }

    pub(crate) fn stop(&mut self) {
        self.tail.put_u8(kind::STOP);
    }

    /// The message in pieces.
    pub(crate) fn finish(mut self) -> Vec<Bytes> {
        if !self.tail.is_empty() {
            self.parts.push(self.tail.freeze());
        }
        self.parts
    }

    fn binary(&mut self, value: &[u8]) {
        self.length(value.len());
        self.tail.put_slice(value);
    }

    fn length(&mut self, length: usize) {
        self.tail.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
    }
}

/// A value that the binary protocol carries.
pub(crate) trait Wire: Sized {
    /// The protocol's number for it.
    const KIND: u8;
    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError>;
    fn write(&self, output: &mut Writer);
}

/// Declares a struct of the service: each field with its id, all of them optional, unknown ones passed over.
macro_rules! thrift_struct {
    ($($(#[$meta:meta])* $name:ident { $($id:literal $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub(crate) struct $name {
            $(pub(crate) $field: Option<$type>,)*
        }

        impl $crate::warehouse::thrift::codec::Wire for $name {
            const KIND: u8 = $crate::warehouse::thrift::codec::kind::STRUCT;

            fn read(
                input: &mut $crate::warehouse::thrift::codec::Reader<'_>,
            ) -> Result<Self, $crate::warehouse::thrift::codec::CodecError> {
                let mut value = Self::default();
                input.enter()?;
                while let Some((kind, id)) = input.field()? {
                    match id {
                        $($id if kind == <$type>::KIND => value.$field = Some(<$type>::read(input)?),)*
                        _ => input.skip(kind)?,
                    }
                }
                input.leave();
                Ok(value)
            }

            fn write(&self, output: &mut $crate::warehouse::thrift::codec::Writer) {
                $(if let Some(value) = &self.$field {
                    output.field(<$type>::KIND, $id);
                    value.write(output);
                })*
                output.stop();
            }
        }
    )*};
}
pub(crate) use thrift_struct;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    thrift_struct! {
        /// A struct with a value of every kind.
        Sample {
            1 flag: bool,
            2 small: i8,
            3 short: i16,
            4 number: i32,
            5 long: i64,
            6 real: f64,
            7 text: String,
            8 binary: Bytes,
            9 list: Vec<String>,
            10 map: BTreeMap<String, i64>,
            3329 nested: Vec<Sample>,
        }
    }

    fn sample() -> Sample {
        let leaf = Sample {
            flag: Some(true),
            small: Some(-1),
            short: Some(-300),
            number: Some(i32::MIN),
            long: Some(i64::MAX),
            real: Some(-0.5),
            text: Some("数据砖".to_owned()),
            binary: Some(Bytes::from(vec![7; 5000])),
            list: Some(vec!["a".to_owned(), String::new()]),
            map: Some(BTreeMap::from([("k".to_owned(), 3)])),
            nested: None,
        };
        Sample { nested: Some(vec![leaf.clone(), Sample::default()]), ..leaf }
    }

    fn bytes(value: &Sample) -> Vec<u8> {
        let mut writer = Writer::default();
        value.write(&mut writer);
        writer.finish().concat()
    }

    #[test]
    fn every_kind_comes_back_as_it_went() {
        let encoded = bytes(&sample());
        assert_eq!(Sample::read(&mut Reader::new(&encoded)), Ok(sample()));
    }

    #[test]
    fn every_cut_message_is_refused() {
        let encoded = bytes(&sample());
        for length in 0..encoded.len() {
            assert!(Sample::read(&mut Reader::new(&encoded[..length])).is_err(), "{length} bytes were taken");
        }
    }

    #[test]
    fn a_field_of_another_type_is_passed_over() {
        let mut writer = Writer::default();
        writer.field(kind::I32, 7);
        9_i32.write(&mut writer);
        writer.field(kind::BOOL, 1);
        true.write(&mut writer);
        writer.stop();
        let encoded = writer.finish().concat();
        let expected = Sample { flag: Some(true), ..Sample::default() };
        assert_eq!(Sample::read(&mut Reader::new(&encoded)), Ok(expected));
    }

    #[test]
    fn deep_and_broad_messages_are_refused() {
        let deep = [kind::LIST, 0, 99].into_iter().chain([kind::LIST, 0, 0, 0, 1].repeat(200));
        assert_eq!(Sample::read(&mut Reader::new(&deep.collect::<Vec<_>>())), Err(CodecError::Large));
        let mut broad = vec![kind::LIST, 0x0d, 0x01, kind::STRUCT, 0, 15, 0, 0];
        broad.resize(1_000_000, 0);
        assert_eq!(Sample::read(&mut Reader::new(&broad)), Err(CodecError::Large));
    }

    #[test]
    fn a_call_needs_the_strict_protocol() {
        let encoded = Writer::message("FetchResults", 1, 77).finish().concat();
        assert_eq!(Reader::new(&encoded).call(), Ok(("FetchResults".to_owned(), 1, 77)));
        assert_eq!(Reader::new(b"\0\0\0\x05Hello").call(), Err(CodecError::Version));
    }
}
