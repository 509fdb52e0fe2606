//! Arrays, maps and structs whose parts engines may send in another layout than clients take.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, GenericListArray, ListArray, MapArray, OffsetSizeTrait, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, FieldRef};

use super::arrow::normalize;
use super::sql_type::SqlType;

/// A nested column with all its parts in the Arrow types of their SQL types.
///
/// Errors: a part that cannot be (see [`super::convert::convert`]), and a list of more than 2³¹ parts.
pub(super) fn nested(column: &ArrayRef, sql_type: &SqlType) -> Result<ArrayRef, ArrowError> {
    Ok(match (sql_type, column.data_type()) {
        (SqlType::Array(element), DataType::List(field)) => list::<i32>(column, field, element)?,
        (SqlType::Array(element), DataType::LargeList(field)) => list::<i64>(column, field, element)?,
        (SqlType::Map(key, value), DataType::Map(field, sorted)) => {
            let map = column.as_map();
            let parts = [(key.as_ref(), map.keys()), (value.as_ref(), map.values())];
            let Some(columns) = changed(parts)? else { return Ok(column.clone()) };
            let entries = with_types(map.entries().fields().iter(), &columns);
            let nulls = map.entries().nulls().cloned();
            let entries = StructArray::try_new(entries.into(), columns, nulls)?;
            let field = Arc::new(typed(field, entries.data_type()));
            Arc::new(MapArray::try_new(field, map.offsets().clone(), entries, map.nulls().cloned(), *sorted)?)
        }
        (SqlType::Struct(fields), DataType::Struct(own)) if fields.len() == own.len() => {
            let parts = column.as_struct();
            let types = fields.iter().map(|(_, sql_type)| sql_type);
            let Some(columns) = changed(types.zip(parts.columns()))? else { return Ok(column.clone()) };
            let fields = with_types(own.iter(), &columns);
            Arc::new(StructArray::try_new(fields.into(), columns, parts.nulls().cloned())?)
        }
        _ => column.clone(),
    })
}

/// The parts in their types; none if all have them already.
fn changed<'a>(
    parts: impl IntoIterator<Item = (&'a SqlType, &'a ArrayRef)>,
) -> Result<Option<Vec<ArrayRef>>, ArrowError> {
    let mut differs = false;
    let mut columns = Vec::new();
    for (sql_type, part) in parts {
        let column = normalize(part, sql_type)?;
        differs |= column.data_type() != part.data_type();
        columns.push(column);
    }
    Ok(differs.then_some(columns))
}

fn with_types<'a>(fields: impl Iterator<Item = &'a FieldRef>, columns: &[ArrayRef]) -> Vec<Field> {
    fields.zip(columns).map(|(field, column)| typed(field, column.data_type())).collect()
}

fn typed(field: &Field, data_type: &DataType) -> Field {
    field.clone().with_data_type(data_type.clone())
}

fn list<Offset: OffsetSizeTrait>(
    column: &ArrayRef,
    field: &FieldRef,
    element: &SqlType,
) -> Result<ArrayRef, ArrowError> {
    let list: &GenericListArray<Offset> = column.as_list();
    let values = normalize(list.values(), element)?;
    if !Offset::IS_LARGE && values.data_type() == field.data_type() {
        return Ok(column.clone());
    }
    let offsets = list.offsets().iter().map(|offset| i32::try_from(offset.as_usize()));
    let offsets = offsets.collect::<Result<Vec<i32>, _>>();
    let offsets = offsets.map_err(|_| ArrowError::CastError("An array of too many elements".to_owned()))?;
    let field = Arc::new(typed(field, values.data_type()));
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(ListArray::try_new(field, offsets, values, list.nulls().cloned())?))
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::{LargeListBuilder, ListBuilder, MapBuilder, StringViewBuilder};
    use arrow_array::{Int32Array, StringArray, StringViewArray};

    use super::*;

    #[test]
    fn parts_of_every_layout_become_one() {
        let texts = SqlType::Array(Box::new(SqlType::String));
        let mut small = ListBuilder::new(StringViewBuilder::new());
        small.append_value([Some("a"), None]);
        small.append_null();
        let mut large = LargeListBuilder::new(StringViewBuilder::new());
        large.append_value([Some("a"), None]);
        large.append_null();
        for column in [Arc::new(small.finish()) as ArrayRef, Arc::new(large.finish())] {
            let column = nested(&column, &texts).unwrap();
            assert!(column.is_null(1));
            let expected = StringArray::from(vec![Some("a"), None]);
            assert_eq!(column.as_list::<i32>().value(0).as_string::<i32>(), &expected);
        }
    }

    #[test]
    fn maps_and_structs_keep_what_fits() {
        let mut map = MapBuilder::new(None, StringViewBuilder::new(), StringViewBuilder::new());
        map.keys().append_value("k");
        map.values().append_value("v");
        map.append(true).unwrap();
        let column: ArrayRef = Arc::new(map.finish());
        let column = nested(&column, &SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::String)));
        let column = column.unwrap();
        assert_eq!(column.as_map().keys().as_string::<i32>().value(0), "k");
        assert_eq!(column.as_map().values().as_string::<i32>().value(0), "v");

        let number: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        let text: ArrayRef = Arc::new(StringViewArray::from(vec!["x"]));
        let field = |name: &str, column: &ArrayRef| Field::new(name, column.data_type().clone(), true);
        let fields = vec![field("n", &number), field("t", &text)];
        let column: ArrayRef = Arc::new(StructArray::new(fields.into(), vec![number, text], None));
        let types = vec![("n".to_owned(), SqlType::Int), ("t".to_owned(), SqlType::String)];
        let column = nested(&column, &SqlType::Struct(types)).unwrap();
        assert_eq!(column.as_struct().column(0).data_type(), &DataType::Int32);
        assert_eq!(column.as_struct().column(1).as_string::<i32>().value(0), "x");
    }
}
