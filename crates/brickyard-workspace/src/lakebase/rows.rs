use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType as Arrow, Field, Schema, TimeUnit};
use brickyard_postgres::Row;

use super::columns::select;
use super::{Lakebase, LakebaseError};
use crate::catalog::{Column, DataType, ForeignTable};
use crate::workspace::Workspace;

/// Rows fetched at once.
const FETCH: usize = 20_000;

/// Most bytes of text that are copied for one statement.
const MOST: usize = 512 * 1024 * 1024;

impl Lakebase {
    /// The rows of a table as they are now, for a statement of a warehouse; at least one batch.
    pub(crate) async fn rows(
        &self,
        workspace: &Workspace,
        place: &ForeignTable,
        columns: &[Column],
    ) -> Result<Vec<RecordBatch>, LakebaseError> {
        let compute = self.ready(workspace, &place.server).await?;
        let mut client = compute.client(&place.database).await?;
        client
            .query(&format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; DECLARE rows NO SCROLL CURSOR FOR {}",
                select(place, columns)
            ))
            .await?;
        let (mut batches, mut size) = (Vec::new(), 0);
        loop {
            let rows = client.query(&format!("FETCH {FETCH} FROM rows")).await?;
            let last = rows.len() < FETCH;
            size += rows.iter().flatten().flatten().map(String::len).sum::<usize>();
            if size > MOST {
                return Err(LakebaseError::invalid(format!(
                    "`{}.{}` has more than {} MB, which is the most that is read of a Lakebase table from SQL here",
                    place.schema,
                    place.table,
                    MOST / 1024 / 1024
                )));
            }
            if !rows.is_empty() || batches.is_empty() {
                batches.push(batch(&rows, columns)?);
            }
            if last {
                return Ok(batches);
            }
        }
    }
}

fn batch(rows: &[Row], columns: &[Column]) -> Result<RecordBatch, LakebaseError> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let cells = rows.iter().map(|row| row.get(index).and_then(Option::as_deref));
        let array = array(cells, &column.data_type).ok_or_else(|| {
            LakebaseError::invalid(format!("A value of the column `{}` cannot be read", column.name))
        })?;
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| LakebaseError::invalid(format!("The rows cannot be read: {error}")))
}

/// The cells of a column; `None` when one is not what its type says.
fn array<'a>(cells: impl Iterator<Item = Option<&'a str>>, data_type: &DataType) -> Option<ArrayRef> {
    macro_rules! parsed {
        ($builder:expr, $parse:expr) => {{
            let mut builder = $builder;
            for cell in cells {
                match cell {
                    Some(text) => builder.append_value($parse(text)?),
                    None => builder.append_null(),
                }
            }
            Arc::new(builder.finish()) as ArrayRef
        }};
    }
    fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
        text.parse().ok()
    }
    Some(match data_type {
        DataType::Plain("boolean") => parsed!(BooleanBuilder::new(), |text: &str| Some(text == "1")),
        DataType::Plain("smallint") => parsed!(Int16Builder::new(), number),
        DataType::Plain("int") => parsed!(Int32Builder::new(), number),
        DataType::Plain("bigint") => parsed!(Int64Builder::new(), number),
        DataType::Plain("float") => parsed!(Float32Builder::new(), number),
        DataType::Plain("double") => parsed!(Float64Builder::new(), number),
        DataType::Plain("date") => parsed!(Date32Builder::new(), number),
        DataType::Plain("timestamp") => {
            parsed!(TimestampMicrosecondBuilder::new().with_timezone("UTC"), number)
        }
        DataType::Plain("timestamp_ntz") => {
            parsed!(
                TimestampMicrosecondBuilder::new()
                    .with_data_type(Arrow::Timestamp(TimeUnit::Microsecond, None)),
                number
            )
        }
        DataType::Plain("binary") => parsed!(BinaryBuilder::new(), unhex),
        DataType::Decimal(precision, scale) => {
            let builder = Decimal128Builder::new()
                .with_precision_and_scale(*precision, i8::try_from(*scale).ok()?)
                .ok()?;
            parsed!(builder, |text: &str| decimal(text, *precision, *scale))
        }
        _ => parsed!(StringBuilder::new(), Some::<&str>),
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The unscaled value of `-12.50`, which PostgreSQL has rounded to `scale` digits.
fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > usize::from(scale) {
        return None;
    }
    let zeros = usize::from(scale) - fraction.len();
    let value: i128 = format!("{whole}{fraction}{}", "0".repeat(zeros)).parse().ok()?;
    (value < 10_i128.checked_pow(u32::from(precision))?).then_some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_wrong_ones_refused() {
        assert_eq!(decimal("-12.50", 10, 2), Some(-1250));
        assert_eq!(decimal("7", 10, 2), Some(700));
        assert_eq!(decimal("0.5", 38, 18), Some(500_000_000_000_000_000));
        assert_eq!(decimal("123456", 5, 0), None);
        assert_eq!(decimal("NaN", 5, 0), None);
        assert_eq!(unhex("00ff7f"), Some(vec![0, 255, 127]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
        let column = |data_type| Column::new("x", data_type);
        let rows = vec![vec![Some("1".to_owned())], vec![None]];
        for data_type in [
            DataType::Plain("boolean"),
            DataType::Plain("int"),
            DataType::Plain("timestamp"),
            DataType::Plain("timestamp_ntz"),
            DataType::Plain("string"),
            DataType::Decimal(10, 2),
        ] {
            let batch = batch(&rows, &[column(data_type)]).unwrap();
            assert_eq!((batch.num_rows(), batch.column(0).null_count()), (2, 1));
        }
        assert!(batch(&[vec![Some("x".to_owned())]], &[column(DataType::Plain("int"))]).is_err());
    }
}
