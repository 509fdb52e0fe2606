//! What a serialized dashboard holds: pages of widgets, and the query behind each.

use serde_json::Value;

/// Rows that a widget is given at most.
const MOST_ROWS: usize = 1000;

/// Something to show.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Widget {
    pub(super) title: String,
    /// `bar`, `line`, `table`, `counter`, …, or `text`.
    pub(super) kind: String,
    /// Text of a text widget.
    pub(super) text: String,
    /// Query; empty for a text.
    pub(super) sql: String,
    /// Names of the columns for the axes; the colour's may be missing.
    pub(super) x: Option<String>,
    pub(super) y: Vec<String>,
    pub(super) color: Option<String>,
    /// Sixths of the width, from 1 to 6.
    pub(super) width: u64,
}

/// Pages by name with their widgets, from top to bottom.
pub(super) fn pages(dashboard: &Value) -> Vec<(String, Vec<Widget>)> {
    let pages = dashboard["pages"].as_array().into_iter().flatten();
    pages
        .map(|page| {
            let mut placed: Vec<&Value> = page["layout"].as_array().into_iter().flatten().collect();
            let at = |item: &Value, name: &str| item["position"][name].as_u64().unwrap_or(0);
            placed.sort_by_key(|item| (at(item, "y"), at(item, "x")));
            let name = page["displayName"].as_str().unwrap_or_default().to_owned();
            let widgets = placed.into_iter().map(|item| {
                let width = item["position"]["width"].as_u64().unwrap_or(6).clamp(1, 6);
                widget(dashboard, &item["widget"], width)
            });
            (name, widgets.collect())
        })
        .collect()
}

fn widget(dashboard: &Value, widget: &Value, width: u64) -> Widget {
    let text = lines(&widget["textbox_spec"]).or_else(|| lines(&widget["multilineTextboxSpec"]["lines"]));
    let spec = &widget["spec"];
    let encodings = &spec["encodings"];
    let field = |name: &str| encodings[name]["fieldName"].as_str().map(str::to_owned);
    let mut y: Vec<String> =
        field("y").or_else(|| field("value")).or_else(|| field("angle")).into_iter().collect();
    let several = encodings["y"]["fields"].as_array().into_iter().flatten();
    y.extend(several.filter_map(|one| one["fieldName"].as_str().map(str::to_owned)));
    let shows_title = spec["frame"]["showTitle"].as_bool().unwrap_or(true);
    let title = spec["frame"]["title"].as_str().filter(|_| shows_title).unwrap_or_default();
    Widget {
        title: title.to_owned(),
        kind: match &text {
            Some(_) => "text".to_owned(),
            None => spec["widgetType"].as_str().unwrap_or("unknown").to_owned(),
        },
        sql: if text.is_some() { String::new() } else { query(dashboard, widget).unwrap_or_default() },
        text: text.unwrap_or_default(),
        x: field("x").or_else(|| field("category")),
        y,
        color: field("color"),
        width,
    }
}

/// The query of a widget: its fields over its dataset, grouped where some are aggregates.
fn query(dashboard: &Value, widget: &Value) -> Option<String> {
    let query = &widget["queries"].as_array()?.first()?["query"];
    let name = query["datasetName"].as_str()?;
    let dataset = dashboard["datasets"].as_array()?.iter().find(|dataset| dataset["name"] == name)?;
    let source = lines(&dataset["queryLines"]).or_else(|| lines(&dataset["query"]))?;
    let source = source.trim().trim_end_matches(';').to_owned();
    let fields: Vec<(&str, &str)> = query["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|field| Some((field["name"].as_str()?, field["expression"].as_str()?)))
        .collect();
    if fields.is_empty() {
        return Some(format!("SELECT * FROM (\n{source}\n) LIMIT {MOST_ROWS}"));
    }
    let chosen: Vec<String> = fields
        .iter()
        .map(|(name, expression)| format!("{expression} AS {}", brickyard_sql::quote_name(name)))
        .collect();
    let grouped = !query["disaggregated"].as_bool().unwrap_or(false)
        && fields.iter().any(|(_, expression)| is_aggregate(expression));
    let plain: Vec<&str> = fields
        .iter()
        .filter(|(_, expression)| !is_aggregate(expression))
        .map(|(_, expression)| *expression)
        .collect();
    let grouping = if grouped && !plain.is_empty() {
        format!(" GROUP BY {} ORDER BY {}", plain.join(", "), plain[0])
    } else {
        String::new()
    };
    Some(format!("SELECT {} FROM (\n{source}\n){grouping} LIMIT {MOST_ROWS}", chosen.join(", ")))
}

fn is_aggregate(expression: &str) -> bool {
    const NAMES: [&str; 12] = [
        "sum",
        "count",
        "avg",
        "mean",
        "min",
        "max",
        "median",
        "stddev",
        "variance",
        "percentile",
        "any_value",
        "first",
    ];
    let lower = expression.trim().to_ascii_lowercase();
    let name = lower.split('(').next().unwrap_or_default().trim();
    lower.contains('(') && NAMES.iter().any(|known| name == *known || name.starts_with(&format!("{known}_")))
}

/// A text, or the lines of one.
fn lines(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            parts.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|parts| parts.concat())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn widgets_are_read_with_the_query_behind_them() {
        let dashboard = json!({
            "datasets": [{ "name": "d", "queryLines": ["SELECT a, b\n", "FROM t;"] }],
            "pages": [{ "displayName": "P", "layout": [
                { "position": { "x": 0, "y": 5, "width": 3 }, "widget": {
                    "queries": [{ "query": { "datasetName": "d", "disaggregated": false, "fields": [
                        { "name": "a", "expression": "`a`" }, { "name": "sum(b)", "expression": "SUM(`b`)" },
                    ] } }],
                    "spec": { "widgetType": "bar", "frame": { "title": "Bars", "showTitle": true },
                        "encodings": { "x": { "fieldName": "a" }, "y": { "fieldName": "sum(b)" } } },
                } },
                { "position": { "y": 0 }, "widget": { "textbox_spec": "# Hello" } },
            ] }],
        });
        let pages = pages(&dashboard);
        assert_eq!((pages[0].0.as_str(), pages[0].1[0].text.as_str()), ("P", "# Hello"));
        let bars = &pages[0].1[1];
        assert_eq!((bars.kind.as_str(), bars.title.as_str(), bars.width), ("bar", "Bars", 3));
        assert_eq!(
            bars.sql,
            "SELECT `a` AS `a`, SUM(`b`) AS `sum(b)` FROM (\nSELECT a, b\nFROM t\n) GROUP BY `a` ORDER BY `a` LIMIT 1000"
        );
        assert!(
            is_aggregate("count(*)") && !is_aggregate("`sum`") && !is_aggregate("DATE_TRUNC('DAY', `t`)")
        );
    }
}
