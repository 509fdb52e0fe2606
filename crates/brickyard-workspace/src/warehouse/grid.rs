use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Int8Array, Int16Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema};

use super::fault::Fault;
use super::outcome::Outcome;

/// A small result made here: columns by name and type, then rows of [`Cell`]s.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    columns: Vec<(&'static str, DataType)>,
    rows: Vec<Vec<Cell>>,
}

/// A value of a grid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Number(i64),
    Flag(bool),
}

impl Grid {
    /// A grid whose columns are all text.
    pub(crate) fn texts(columns: &[&'static str]) -> Self {
        Self::new(columns.iter().map(|&name| (name, DataType::Utf8)).collect())
    }

    /// A grid with these columns: `Utf8`, `Boolean`, `Int8`, `Int16`, `Int32` or `Int64`.
    pub(crate) fn new(columns: Vec<(&'static str, DataType)>) -> Self {
        Self { columns, rows: Vec::new() }
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
        let fields = self.columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let arrays =
            self.columns.iter().enumerate().map(|(index, (_, data_type))| self.array(index, data_type));
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        Ok(RecordBatch::try_new_with_options(schema, arrays.collect(), &options)?)
    }

    fn array(&self, index: usize, data_type: &DataType) -> ArrayRef {
        let cells = || self.rows.iter().map(|row| row.get(index).unwrap_or(&Cell::Null));
        let number = |cell: &Cell| if let Cell::Number(value) = cell { Some(*value) } else { None };
        match data_type {
            DataType::Boolean => {
                let values =
                    cells().map(|cell| if let Cell::Flag(value) = cell { Some(*value) } else { None });
                Arc::new(values.collect::<BooleanArray>())
            }
            DataType::Int8 => {
                Arc::new(cells().map(|cell| number(cell)?.try_into().ok()).collect::<Int8Array>())
            }
            DataType::Int16 => {
                Arc::new(cells().map(|cell| number(cell)?.try_into().ok()).collect::<Int16Array>())
            }
            DataType::Int32 => {
                Arc::new(cells().map(|cell| number(cell)?.try_into().ok()).collect::<Int32Array>())
            }
            DataType::Timestamp(_, zone) => {
                let array: TimestampMicrosecondArray = cells().map(number).collect();
                Arc::new(array.with_timezone_opt(zone.clone()))
            }
            DataType::Int64 => Arc::new(cells().map(number).collect::<Int64Array>()),
            _ => {
                let values = cells().map(|cell| match cell {
                    Cell::Null => None,
                    Cell::Text(text) => Some(text.clone()),
                    Cell::Number(number) => Some(number.to_string()),
                    Cell::Flag(flag) => Some(flag.to_string()),
                });
                Arc::new(values.collect::<StringArray>())
            }
        }
    }
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
