use arrow_array::RecordBatch;
use brickyard_sql::{DataType, Parameter};

use super::fault::Fault;
use super::result::arrow::normalize;
use super::result::sql_type::SqlType;
use super::result::text::{self, Style};

/// A cell of a result as its type and SQL text of a value of it, for variables; `wanted` is the type when it is known.
pub(crate) fn of(
    batch: &RecordBatch,
    column: usize,
    row: usize,
    wanted: Option<&DataType>,
) -> Result<(DataType, String), Fault> {
    let found = SqlType::of(batch.schema().field(column));
    let data_type = wanted.cloned().unwrap_or_else(|| DataType::from(found.to_string().as_str()));
    let values = normalize(batch.column(column), &found)?;
    let value = if arrow_array::Array::is_null(&values, row) || found == SqlType::Void {
        None
    } else {
        let mut output = String::new();
        if found == SqlType::Binary {
            let bytes = arrow_array::cast::AsArray::as_binary::<i32>(&values).value(row);
            output.extend(bytes.iter().map(|byte| format!("{byte:02X}")));
        } else {
            text::cell(&values, row, &found, Style::Spark, &mut output);
        }
        Some(output)
    };
    let parameter = Parameter { sql_type: data_type.to_string(), value, arguments: None };
    Ok((data_type, brickyard_sql::literal(&parameter, 0)?))
}

/// The literal of NULL.
pub(crate) fn null(data_type: &DataType) -> String {
    match data_type {
        DataType::Unknown | DataType::Void => "NULL".to_owned(),
        data_type => format!("CAST(NULL AS {data_type})"),
    }
}
