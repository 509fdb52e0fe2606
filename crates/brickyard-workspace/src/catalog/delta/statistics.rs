//! Which columns the engine keeps statistics of.
//!
//! The log has least and greatest values as JSON numbers, which the engine reads as `f64`: a decimal of more than 15 digits
//! comes back as another, and a filter, a `max` or a file of one value with it. So such columns are left out of what the
//! engine writes, by the properties that the protocol has for it; what people set is kept beside.

use std::collections::BTreeMap;

use serde_json::{Value, json};

const COLUMNS: &str = "delta.dataSkippingStatsColumns";
const COUNT: &str = "delta.dataSkippingNumIndexedCols";
/// What people set of the two, as JSON; there where the log has other values than that.
const KEPT: &str = "brickyard.statistics";
/// Columns that have statistics unless a property says otherwise.
const INDEXED: usize = 32;
/// Digits that every `f64` keeps.
const EXACT: u32 = 15;

/// Narrows the properties of a `metaData` action to columns whose statistics are read as they were written.
pub(super) fn narrow(action: &mut Value) {
    let Some(metadata) = action.get_mut("metaData") else { return };
    let schema: Value =
        serde_json::from_str(metadata["schemaString"].as_str().unwrap_or_default()).unwrap_or_default();
    let partitions = metadata["partitionColumns"].as_array().cloned().unwrap_or_default();
    let fields = schema["fields"].as_array().into_iter().flatten();
    let mut leaves = Vec::new();
    for field in fields.filter(|field| !partitions.contains(&field["name"])) {
        leaves_of(field, "", &mut leaves);
    }
    let Some(configuration) = metadata["configuration"].as_object_mut() else { return };
    if configuration.contains_key(KEPT) || leaves.iter().all(|leaf| leaf.exact) {
        return;
    }
    let set = |key: &str| configuration.get(key).and_then(Value::as_str).map(str::to_owned);
    let own: BTreeMap<&str, String> =
        [COLUMNS, COUNT].into_iter().filter_map(|key| Some((key, set(key)?))).collect();
    let indexed = match (own.get(COLUMNS), own.get(COUNT).and_then(|count| count.parse::<i64>().ok())) {
        (Some(named), _) => {
            let named: Vec<&str> = named.split(',').map(str::trim).collect();
            leaves.retain(|leaf| named.iter().any(|name| leaf.is_in(name)));
            leaves.len()
        }
        (None, Some(count)) => usize::try_from(count).unwrap_or(usize::MAX),
        (None, None) => INDEXED,
    };
    let exact = leaves.iter().take(indexed).filter(|leaf| leaf.exact);
    let columns: Vec<&str> = exact.map(|leaf| leaf.path.as_str()).collect();
    configuration.remove(COUNT);
    if columns.is_empty() {
        configuration.remove(COLUMNS);
        configuration.insert(COUNT.to_owned(), "0".into());
    } else {
        configuration.insert(COLUMNS.to_owned(), columns.join(",").into());
    }
    configuration.insert(KEPT.to_owned(), json!(own).to_string().into());
}

/// Gives back what people set.
pub(super) fn widen(configuration: &mut BTreeMap<String, String>) {
    if let Some(own) = configuration.remove(KEPT) {
        configuration.remove(COLUMNS);
        configuration.remove(COUNT);
        let own: BTreeMap<String, String> = serde_json::from_str(&own).unwrap_or_default();
        configuration.extend(own);
    }
}

/// A column, or a field within one, that a file may have statistics of.
struct Leaf {
    path: String,
    exact: bool,
}

impl Leaf {
    /// Whether a name in the property means it, or a struct that it is in.
    fn is_in(&self, name: &str) -> bool {
        let plain = |text: &str| text.replace('`', "").to_lowercase();
        let (path, name) = (plain(&self.path), plain(name));
        path == name || path.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'))
    }
}

fn leaves_of(field: &Value, above: &str, leaves: &mut Vec<Leaf>) {
    let name = field["name"].as_str().unwrap_or_default();
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let name = if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) };
    let path = if above.is_empty() { name } else { format!("{above}.{name}") };
    match field["type"]["fields"].as_array() {
        Some(fields) => fields.iter().for_each(|field| leaves_of(field, &path, leaves)),
        None => leaves.push(Leaf { path, exact: is_exact(&field["type"]) }),
    }
}

fn is_exact(data_type: &Value) -> bool {
    let Some(arguments) = data_type.as_str().and_then(|text| text.strip_prefix("decimal(")) else {
        return true;
    };
    let precision = arguments.split([',', ')']).next().and_then(|text| text.trim().parse::<u32>().ok());
    precision.is_some_and(|precision| precision <= EXACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(configuration: Value) -> (Value, BTreeMap<String, String>) {
        let schema = json!({ "fields": [
            { "name": "id", "type": "long" },
            { "name": "day", "type": "date" },
            { "name": "price", "type": "decimal(15,2)" },
            { "name": "wide", "type": "decimal(16,2)" },
            { "name": "two words", "type": "string" },
            { "name": "s", "type": { "type": "struct", "fields": [
                { "name": "a", "type": "int" }, { "name": "w", "type": "decimal(38,12)" } ] } },
        ] });
        let mut action = json!({ "metaData": {
            "schemaString": schema.to_string(), "partitionColumns": ["day"], "configuration": configuration,
        } });
        narrow(&mut action);
        let written = action["metaData"]["configuration"].clone();
        let mut read = serde_json::from_value(written.clone()).unwrap();
        widen(&mut read);
        (written, read)
    }

    #[test]
    fn wide_decimals_have_no_statistics() {
        let (written, read) = narrowed(json!({ "other": "1" }));
        assert_eq!(written[COLUMNS], "id,price,`two words`,s.a");
        assert_eq!(read, BTreeMap::from([("other".to_owned(), "1".to_owned())]));
    }

    #[test]
    fn what_people_set_is_narrowed_and_kept() {
        for (key, value, columns) in [
            (COLUMNS, "wide, S", Some("s.a")),
            (COUNT, "2", Some("id,price")),
            (COLUMNS, "wide", None),
            (COUNT, "0", None),
        ] {
            let (written, read) = narrowed(json!({ key: value }));
            assert_eq!(written[COLUMNS].as_str(), columns, "{key}={value}");
            assert_eq!(written[COUNT].as_str(), columns.is_none().then_some("0"), "{key}={value}");
            assert_eq!(read, BTreeMap::from([(key.to_owned(), value.to_owned())]));
        }
    }
}
