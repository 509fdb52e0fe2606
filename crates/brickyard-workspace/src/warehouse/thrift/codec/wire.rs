//! What the protocol carries in a field, read and written.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes};

use super::{CodecError, Reader, SHARED_FROM, Wire, Writer, kind};

impl Wire for bool {
    const KIND: u8 = kind::BOOL;
    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(input.byte()? != 0)
    }
    fn write(&self, output: &mut Writer) {
        output.tail.put_u8(u8::from(*self));
    }
}

macro_rules! number {
    ($type:ty, $kind:expr, $put:ident) => {
        impl Wire for $type {
            const KIND: u8 = $kind;
            fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
                Ok(<$type>::from_be_bytes(input.array()?))
            }
            fn write(&self, output: &mut Writer) {
                output.tail.$put(*self);
            }
        }
    };
}

number!(i8, kind::BYTE, put_i8);
number!(i16, kind::I16, put_i16);
number!(i32, kind::I32, put_i32);
number!(i64, kind::I64, put_i64);
number!(f64, kind::DOUBLE, put_f64);

impl Wire for String {
    const KIND: u8 = kind::STRING;
    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let bytes = input.binary()?;
        Ok(std::str::from_utf8(bytes).map_err(|_| CodecError::Text)?.to_owned())
    }
    fn write(&self, output: &mut Writer) {
        output.binary(self.as_bytes());
    }
}

impl Wire for Bytes {
    const KIND: u8 = kind::STRING;
    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self::copy_from_slice(input.binary()?))
    }
    fn write(&self, output: &mut Writer) {
        if self.len() < SHARED_FROM {
            return output.binary(self);
        }
        output.length(self.len());
        let head = output.tail.split().freeze();
        output.parts.extend([head, self.clone()]);
    }
}

impl<T: Wire> Wire for Vec<T> {
    const KIND: u8 = kind::LIST;
    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (element, count) = input.list()?;
        if element != T::KIND && count > 0 {
            return Err(CodecError::Kind(element));
        }
        input.enter()?;
        let mut values = Self::with_capacity(count.min(1024));
        for _ in 0..count {
            values.push(T::read(input)?);
        }
        input.leave();
        Ok(values)
    }
    fn write(&self, output: &mut Writer) {
        output.tail.put_u8(T::KIND);
        output.length(self.len());
        for value in self {
            value.write(output);
        }
    }
}

impl<V: Wire> Wire for BTreeMap<String, V> {
    const KIND: u8 = kind::MAP;
    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (key, value, count) = input.map()?;
        if count > 0 && (key != kind::STRING || value != V::KIND) {
            return Err(CodecError::Kind(if key == kind::STRING { value } else { key }));
        }
        input.enter()?;
        let mut values = Self::new();
        for _ in 0..count {
            let name = String::read(input)?;
            values.insert(name, V::read(input)?);
        }
        input.leave();
        Ok(values)
    }
    fn write(&self, output: &mut Writer) {
        output.tail.put_u8(kind::STRING);
        output.tail.put_u8(V::KIND);
        output.length(self.len());
        for (name, value) in self {
            name.write(output);
            value.write(output);
        }
    }
}
