//! A type read from its text.

use super::super::fault::CatalogError;
use super::{DEEPEST, DataType, Field, PLAIN, SYNONYMS};

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) rest: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn malformed(&self) -> CatalogError {
        CatalogError::invalid(format!("`{}` is not a data type", self.text.escape_debug()))
    }

    pub(super) fn data_type(&mut self, depth: usize) -> Result<DataType, CatalogError> {
        if depth > DEEPEST {
            return Err(self.malformed());
        }
        let word = self.word()?.to_ascii_lowercase();
        let word =
            SYNONYMS.iter().find(|synonym| synonym.0 == word).map_or(word.as_str(), |synonym| synonym.1);
        if let Some(known) = PLAIN.iter().find(|known| known.0 == word) {
            if word == "string" && self.take_word("collate") {
                self.word()?;
            }
            return Ok(DataType::Plain(known.0));
        }
        match word {
            "decimal" | "dec" | "numeric" => {
                let (precision, scale) = match self.numbers()?.as_slice() {
                    [] => (10, 0),
                    [precision] => (*precision, 0),
                    [precision, scale] => (*precision, *scale),
                    _ => return Err(self.malformed()),
                };
                if precision == 0 || precision > 38 || scale > precision {
                    return Err(self.malformed());
                }
                let small = |number: u32| u8::try_from(number).unwrap_or(38);
                Ok(DataType::Decimal(small(precision), small(scale)))
            }
            "char" | "character" | "varchar" => match self.numbers()?.as_slice() {
                [length] if *length > 0 && word == "varchar" => Ok(DataType::Varchar(*length)),
                [length] if *length > 0 => Ok(DataType::Char(*length)),
                _ => Err(self.malformed()),
            },
            "interval" => {
                let mut unit = self.word()?.to_ascii_lowercase();
                if self.take_word("to") {
                    unit = format!("{unit} to {}", self.word()?.to_ascii_lowercase());
                }
                Ok(DataType::Interval(unit))
            }
            "array" => {
                self.expect('<')?;
                let element = self.data_type(depth + 1)?;
                self.expect('>')?;
                Ok(DataType::Array(Box::new(element), true))
            }
            "map" => {
                self.expect('<')?;
                let key = self.data_type(depth + 1)?;
                self.expect(',')?;
                let value = self.data_type(depth + 1)?;
                self.expect('>')?;
                Ok(DataType::Map(Box::new(key), Box::new(value), true))
            }
            "struct" => self.fields(depth),
            _ => Err(self.malformed()),
        }
    }

    pub(super) fn fields(&mut self, depth: usize) -> Result<DataType, CatalogError> {
        self.expect('<')?;
        let mut fields = Vec::new();
        if self.take('>') {
            return Ok(DataType::Struct(fields));
        }
        loop {
            let name = self.field_name()?;
            self.take(':');
            let data_type = self.data_type(depth + 1)?;
            let nullable = !self.take_word("not");
            if !nullable && !self.take_word("null") {
                return Err(self.malformed());
            }
            let comment = if self.take_word("comment") { Some(self.string()?) } else { None };
            fields.push(Field { name, data_type, nullable, comment });
            if self.take('>') {
                return Ok(DataType::Struct(fields));
            }
            self.expect(',')?;
        }
    }

    pub(super) fn field_name(&mut self) -> Result<String, CatalogError> {
        self.rest = self.rest.trim_start();
        let Some(quoted) = self.rest.strip_prefix('`') else { return self.word().map(str::to_owned) };
        let end = quoted.find('`').ok_or_else(|| self.malformed())?;
        self.rest = &quoted[end + 1..];
        Ok(quoted[..end].to_owned())
    }

    pub(super) fn string(&mut self) -> Result<String, CatalogError> {
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
        let quote = quote.ok_or_else(|| self.malformed())?;
        let inside = &self.rest[1..];
        let end = inside.find(quote).ok_or_else(|| self.malformed())?;
        self.rest = &inside[end + 1..];
        Ok(inside[..end].to_owned())
    }

    pub(super) fn word(&mut self) -> Result<&'a str, CatalogError> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|character: char| !character.is_alphanumeric() && character != '_')
            .unwrap_or(self.rest.len());
        if end == 0 {
            return Err(self.malformed());
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word)
    }

    pub(super) fn take_word(&mut self, expected: &str) -> bool {
        let before = self.rest;
        let taken = self.word().is_ok_and(|word| word.eq_ignore_ascii_case(expected));
        if !taken {
            self.rest = before;
        }
        taken
    }

    pub(super) fn numbers(&mut self) -> Result<Vec<u32>, CatalogError> {
        let mut numbers = Vec::new();
        if !self.take('(') {
            return Ok(numbers);
        }
        loop {
            numbers.push(self.word()?.parse().map_err(|_| self.malformed())?);
            if self.take(')') {
                return Ok(numbers);
            }
            self.expect(',')?;
        }
    }

    pub(super) fn take(&mut self, character: char) -> bool {
        match self.rest.trim_start().strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(super) fn expect(&mut self, character: char) -> Result<(), CatalogError> {
        if self.take(character) { Ok(()) } else { Err(self.malformed()) }
    }
}
