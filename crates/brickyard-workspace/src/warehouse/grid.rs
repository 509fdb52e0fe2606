use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Int8Array, Int16Array, Int32Array, Int64Array, ListArray, MapArray, RecordBatch,
    RecordBatchOptions, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::fault::Fault;
use super::outcome::Outcome;

/// A small result made here: columns by name and type, then rows of [`Cell`]s.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    columns: Vec<(String, DataType)>,
    rows: Vec<Vec<Cell>>,
}

/// A value of a grid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<Cell>),
    Map(Vec<(String, Cell)>),
    Struct(Vec<Cell>),
}

/// A point of time in UTC, whose cells are microseconds since the epoch.
pub(crate) fn moment() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A list of texts.
pub(crate) fn texts() -> DataType {
    DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))
}

/// A map of texts to texts.
pub(crate) fn text_map() -> DataType {
    let entries =
        vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)].into();
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

/// A struct.
pub(crate) fn record(fields: &[(&str, DataType)]) -> DataType {
    let fields = fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    DataType::Struct(fields.collect::<Vec<_>>().into())
}

impl Grid {
    /// A grid whose columns are all text.
    pub(crate) fn texts(columns: &[&str]) -> Self {
        Self::new(columns.iter().map(|&name| (name, DataType::Utf8)).collect())
    }

    /// A grid with these columns: text, flags, whole numbers, points of time, and lists, maps and structs of them.
    pub(crate) fn new(columns: Vec<(impl Into<String>, DataType)>) -> Self {
        let columns = columns.into_iter().map(|(name, data_type)| (name.into(), data_type));
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a row; cells that are missing at its end are null.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows as a result.
    pub(crate) fn outcome(&self) -> Result<Outcome, Fault> {
        Outcome::ready(&self.batch()?)
    }

    /// The rows as Arrow arrays.
    pub(crate) fn batch(&self) -> Result<RecordBatch, Fault> {
        let fields = self.columns.iter().map(|(name, data_type)| Field::new(name, data_type.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let arrays = self.columns.iter().enumerate().map(|(index, (_, data_type))| {
            let cells = self.rows.iter().map(|row| row.get(index).unwrap_or(&Cell::Null));
            array(data_type, &cells.collect::<Vec<_>>())
        });
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }
}

/// Cells as an array; one of another kind than the type is null.
fn array(data_type: &DataType, cells: &[&Cell]) -> Result<ArrayRef, Fault> {
    let number = |cell: &&Cell| if let Cell::Number(value) = cell { Some(*value) } else { None };
    Ok(match data_type {
        DataType::Boolean => {
            let flag = |cell: &&Cell| if let Cell::Flag(value) = cell { Some(*value) } else { None };
            Arc::new(cells.iter().map(flag).collect::<BooleanArray>())
        }
        DataType::Int8 => {
            Arc::new(cells.iter().map(|cell| number(cell)?.try_into().ok()).collect::<Int8Array>())
        }
        DataType::Int16 => {
            Arc::new(cells.iter().map(|cell| number(cell)?.try_into().ok()).collect::<Int16Array>())
        }
        DataType::Int32 => {
            Arc::new(cells.iter().map(|cell| number(cell)?.try_into().ok()).collect::<Int32Array>())
        }
        DataType::Timestamp(_, zone) => {
            let array: TimestampMicrosecondArray = cells.iter().map(number).collect();
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        DataType::Int64 => Arc::new(cells.iter().map(number).collect::<Int64Array>()),
        DataType::List(element) => {
            let (mut lengths, mut parts, mut present) = (Vec::new(), Vec::new(), Vec::new());
            for cell in cells {
                let list = if let Cell::List(list) = cell { Some(list) } else { None };
                present.push(list.is_some());
                lengths.push(list.map_or(0, Vec::len));
                parts.extend(list.into_iter().flatten());
            }
            let values = array(element.data_type(), &parts)?;
            let nulls = NullBuffer::from(present);
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::try_new(element.clone(), offsets, values, Some(nulls))?)
        }
        DataType::Map(entries, sorted) => {
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(Fault::internal("A map without entries"));
            };
            let (mut lengths, mut keys, mut values, mut present) =
                (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for cell in cells {
                let map = if let Cell::Map(map) = cell { Some(map) } else { None };
                present.push(map.is_some());
                lengths.push(map.map_or(0, Vec::len));
                keys.extend(map.into_iter().flatten().map(|(key, _)| key.as_str()));
                values.extend(map.into_iter().flatten().map(|(_, value)| value));
            }
            let keys: ArrayRef = Arc::new(StringArray::from(keys));
            let values = array(fields[1].data_type(), &values)?;
            let pairs = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(MapArray::try_new(entries.clone(), offsets, pairs, Some(present.into()), *sorted)?)
        }
        DataType::Struct(fields) => {
            let part = |cell: &&'_ Cell, at: usize| match cell {
                Cell::Struct(parts) => parts.get(at).cloned().unwrap_or(Cell::Null),
                _ => Cell::Null,
            };
            let mut columns = Vec::new();
            for (at, field) in fields.iter().enumerate() {
                let parts: Vec<Cell> = cells.iter().map(|cell| part(cell, at)).collect();
                columns.push(array(field.data_type(), &parts.iter().collect::<Vec<_>>())?);
            }
            let present: Vec<bool> = cells.iter().map(|cell| matches!(cell, Cell::Struct(_))).collect();
            Arc::new(StructArray::try_new(fields.clone(), columns, Some(present.into()))?)
        }
        _ => {
            let text = |cell: &&Cell| match cell {
                Cell::Text(text) => Some(text.clone()),
                Cell::Number(number) => Some(number.to_string()),
                Cell::Flag(flag) => Some(flag.to_string()),
                _ => None,
            };
            Arc::new(cells.iter().map(text).collect::<StringArray>())
        }
    })
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Self {
        Self::Number(i64::from(number))
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<V: Into<Cell>> FromIterator<(String, V)> for Cell {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(pairs: I) -> Self {
        Self::Map(pairs.into_iter().map(|(key, value)| (key, value.into())).collect())
    }
}

impl From<Vec<String>> for Cell {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts.into_iter().map(Self::Text).collect())
    }
}
