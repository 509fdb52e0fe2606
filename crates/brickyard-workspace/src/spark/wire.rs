//! Protocol buffers field by field: enough to look at every part of a message whose shape is known, and to put it together
//! again with some parts exchanged.

/// A message that is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    /// 2 for texts, bytes and messages.
    pub(super) wire_type: u8,
    /// What it holds, without its tag and length.
    pub(super) content: &'a [u8],
    /// The field as it stands.
    pub(super) whole: &'a [u8],
}

impl<'a> Field<'a> {
    /// A text.
    pub(super) fn text(&self) -> Result<&'a str, Malformed> {
        if self.wire_type != 2 {
            return Err(Malformed);
        }
        std::str::from_utf8(self.content).map_err(|_| Malformed)
    }
}

/// The fields of a message, in their order.
pub(super) fn fields(message: &[u8]) -> Result<Vec<Field<'_>>, Malformed> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < message.len() {
        let start = at;
        let tag = varint(message, &mut at)?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        let wire_type = u8::try_from(tag & 7).map_err(|_| Malformed)?;
        if number == 0 {
            return Err(Malformed);
        }
        let length = match wire_type {
            0 => {
                let from = at;
                varint(message, &mut at)?;
                let length = at - from;
                at = from;
                length
            }
            1 => 8,
            2 => usize::try_from(varint(message, &mut at)?).map_err(|_| Malformed)?,
            5 => 4,
            _ => return Err(Malformed),
        };
        let end = at.checked_add(length).filter(|end| *end <= message.len()).ok_or(Malformed)?;
        found.push(Field { number, wire_type, content: &message[at..end], whole: &message[start..end] });
        at = end;
    }
    Ok(found)
}

/// The last field of this number, as a reader takes it.
pub(super) fn last<'a>(fields: &[Field<'a>], number: u32) -> Option<Field<'a>> {
    fields.iter().rev().find(|field| field.number == number).copied()
}

/// Adds a text, bytes or a message.
pub(super) fn put(message: &mut Vec<u8>, number: u32, content: &[u8]) {
    put_varint(message, u64::from(number) << 3 | 2);
    put_varint(message, content.len() as u64);
    message.extend_from_slice(content);
}

/// Adds a number.
pub(super) fn put_number(message: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(message, u64::from(number) << 3);
    put_varint(message, value);
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    message.push(u8::try_from(value).unwrap_or_default());
}

fn varint(message: &[u8], at: &mut usize) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *message.get(*at).ok_or(Malformed)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_apart_and_together() {
        let mut message = Vec::new();
        put(&mut message, 1, b"text");
        put_number(&mut message, 800, 300);
        put(&mut message, 1, b"");
        let found = fields(&message).unwrap();
        assert_eq!(found.iter().map(|field| field.number).collect::<Vec<_>>(), [1, 800, 1]);
        assert_eq!(found[0].text().unwrap(), "text");
        assert_eq!(last(&found, 1).unwrap().content, b"");
        assert_eq!(found.iter().flat_map(|field| field.whole.to_vec()).collect::<Vec<_>>(), message);
        for cut in 1..message.len() {
            let _ = fields(&message[..cut]); // ends, whatever it finds
        }
        assert_eq!(fields(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(Malformed));
        assert_eq!(fields(&[0x00]), Err(Malformed));
    }
}
