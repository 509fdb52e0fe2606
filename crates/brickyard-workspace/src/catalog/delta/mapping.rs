//! Column mapping by name: columns keep the name their files know them by when they are renamed, and may be dropped.

use serde_json::{Value, json};

use super::action::Metadata;
use super::fault::DeltaError;

/// The property that switches it on.
pub(crate) const MODE: &str = "delta.columnMapping.mode";
const MAXIMUM: &str = "delta.columnMapping.maxColumnId";
const ID: &str = "delta.columnMapping.id";
const PHYSICAL: &str = "delta.columnMapping.physicalName";

/// Whether columns are mapped by name.
pub(crate) fn is_on(metadata: &Metadata) -> bool {
    metadata.configuration.get(MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("name"))
}

/// Whether a field within a column has another name in the files than in SQL.
pub(crate) fn maps_fields(metadata: &Metadata) -> bool {
    let mut schema = schema(metadata).unwrap_or_default();
    let mut found = false;
    for column in schema["fields"].as_array_mut().into_iter().flatten() {
        visit(&mut column["type"], &mut |field| {
            let physical = &field["metadata"][PHYSICAL];
            found |= physical.is_string() && *physical != field["name"];
        });
    }
    found
}

/// Gives every field that has none an id and the name its files know it by: that of its column, as long as there are files
/// without mapping; else one of its own.
pub(crate) fn assign(metadata: &mut Metadata, own_names: bool) -> Result<(), DeltaError> {
    let mut schema = schema(metadata)?;
    let mut last = metadata.configuration.get(MAXIMUM).and_then(|text| text.parse().ok()).unwrap_or(0_i64);
    visit(&mut schema, &mut |field| {
        let name = field["name"].as_str().unwrap_or_default().to_owned();
        let Some(metadata) = field["metadata"].as_object_mut() else { return };
        if metadata.contains_key(ID) {
            return;
        }
        last += 1;
        let physical = if own_names { format!("col-{}", uuid::Uuid::new_v4()) } else { name };
        metadata.insert(ID.to_owned(), last.into());
        metadata.insert(PHYSICAL.to_owned(), physical.into());
    });
    metadata.schema_string = schema.to_string();
    metadata.configuration.insert(MAXIMUM.to_owned(), last.to_string());
    Ok(())
}

/// Renames a column, or a field of a struct.
pub(crate) fn rename(metadata: &mut Metadata, path: &[String], new: &str) -> Result<(), DeltaError> {
    let mut schema = schema(metadata)?;
    let fields = fields_of(&mut schema, path)?;
    if fields.iter().any(|field| is_named(field, new)) {
        return Err(DeltaError::Classed(
            "FIELD_ALREADY_EXISTS",
            "42710",
            format!("Cannot rename column, because `{new}` already exists."),
        ));
    }
    let name = path.last().map(String::as_str).unwrap_or_default();
    let field = fields.iter_mut().find(|field| is_named(field, name)).ok_or_else(|| absent(path))?;
    field["name"] = new.into();
    metadata.schema_string = schema.to_string();
    if let [column] = path {
        for partition in
            metadata.partition_columns.iter_mut().filter(|name| name.eq_ignore_ascii_case(column))
        {
            new.clone_into(partition);
        }
        super::clustering::follow(metadata, column, new);
    }
    Ok(())
}

/// Drops a column, or a field of a struct.
pub(crate) fn drop(metadata: &mut Metadata, path: &[String]) -> Result<(), DeltaError> {
    if let [column] = path
        && metadata.partition_columns.iter().any(|name| name.eq_ignore_ascii_case(column))
    {
        let text = format!("Dropping partition columns ({column}) is not allowed.");
        return Err(DeltaError::Classed("DELTA_UNSUPPORTED_DROP_PARTITION_COLUMN", "0AKDC", text));
    }
    if let [column] = path
        && super::clustering(metadata).iter().any(|name| name.eq_ignore_ascii_case(column))
    {
        let text = format!("Dropping clustering columns ({column}) is not supported.");
        return Err(DeltaError::Classed("DELTA_UNSUPPORTED_DROP_CLUSTERING_COLUMN", "0AKDC", text));
    }
    let mut schema = schema(metadata)?;
    let fields = fields_of(&mut schema, path)?;
    let name = path.last().map(String::as_str).unwrap_or_default();
    let at = fields.iter().position(|field| is_named(field, name)).ok_or_else(|| absent(path))?;
    if fields.len() == 1 {
        let text = "Cannot drop the only column of a table or struct.".to_owned();
        return Err(DeltaError::Classed("DELTA_CANNOT_DROP_ALL_COLUMNS", "0AKDC", text));
    }
    fields.remove(at);
    metadata.schema_string = schema.to_string();
    Ok(())
}

fn schema(metadata: &Metadata) -> Result<Value, DeltaError> {
    serde_json::from_str(&metadata.schema_string)
        .map_err(|error| DeltaError::Refused(format!("The table's schema cannot be read: {error}")))
}

fn is_named(field: &Value, name: &str) -> bool {
    field["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

fn absent(path: &[String]) -> DeltaError {
    let text = format!("A column with name `{}` cannot be resolved.", path.join("`.`"));
    DeltaError::Classed("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text)
}

/// The fields among which the last part of a path stands.
fn fields_of<'a>(schema: &'a mut Value, path: &[String]) -> Result<&'a mut Vec<Value>, DeltaError> {
    let mut fields = schema["fields"].as_array_mut().ok_or_else(|| absent(path))?;
    for part in &path[..path.len().saturating_sub(1)] {
        let field = fields.iter_mut().find(|field| is_named(field, part)).ok_or_else(|| absent(path))?;
        fields = field["type"]["fields"].as_array_mut().ok_or_else(|| absent(path))?;
    }
    Ok(fields)
}

/// Every field of a type, those within too.
fn visit(data_type: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    if let Some(fields) = data_type.get_mut("fields").and_then(Value::as_array_mut) {
        for field in fields {
            if !field["metadata"].is_object() {
                field["metadata"] = json!({});
            }
            change(field);
            visit(&mut field["type"], change);
        }
    }
    for part in ["elementType", "keyType", "valueType"] {
        if let Some(inner) = data_type.get_mut(part).filter(|inner| inner.is_object()) {
            visit(inner, change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let schema = r#"{"type":"struct","fields":[
            {"name":"id","type":"integer","nullable":true,"metadata":{}},
            {"name":"at","type":{"type":"struct","fields":[{"name":"x","type":"string","nullable":true,"metadata":{}},
             {"name":"y","type":"string","nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}}]}"#;
        Metadata {
            id: String::new(),
            name: None,
            description: None,
            format: json!({}),
            schema_string: schema.to_owned(),
            partition_columns: vec!["id".to_owned()],
            configuration: std::collections::BTreeMap::new(),
            created_time: None,
        }
    }

    #[test]
    fn fields_within_are_mapped_renamed_and_dropped() {
        let mut metadata = metadata();
        assign(&mut metadata, false).unwrap();
        assert_eq!(metadata.configuration[MAXIMUM], "4");
        rename(&mut metadata, &["at".to_owned(), "X".to_owned()], "z").unwrap();
        rename(&mut metadata, &["id".to_owned()], "key").unwrap();
        assert_eq!(metadata.partition_columns, ["key"]);
        drop(&mut metadata, &["at".to_owned(), "y".to_owned()]).unwrap();
        let schema: Value = serde_json::from_str(&metadata.schema_string).unwrap();
        let field = &schema["fields"][1]["type"]["fields"];
        assert_eq!(
            (field.as_array().unwrap().len(), field[0]["metadata"][PHYSICAL].as_str()),
            (1, Some("x"))
        );
        assert!(drop(&mut metadata, &["at".to_owned(), "z".to_owned()]).is_err(), "the only field");
        assert!(drop(&mut metadata, &["key".to_owned()]).is_err(), "a partition column");
        assert!(rename(&mut metadata, &["key".to_owned()], "AT").is_err(), "a name that is there");
    }
}
