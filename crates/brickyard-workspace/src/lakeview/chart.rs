//! Rows as HTML tables and SVG charts, without a script and without anything from elsewhere.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::layout::Widget;
use crate::oauth::escape;

/// Size of a chart in its own units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 34.0;

/// Colours of series, in turn.
const COLORS: [&str; 8] =
    ["#1f6feb", "#e36209", "#2da44e", "#8250df", "#bf3989", "#9a6700", "#0a7ea4", "#57606a"];

/// Rows of a table that are shown.
const SHOWN: usize = 200;

type Row = Map<String, Value>;

/// A widget's rows in the form it asks for; a table where that form needs columns that are not there.
pub(super) fn draw(widget: &Widget, columns: &[String], rows: &[Row]) -> String {
    let x = widget.x.as_ref().filter(|name| columns.contains(name));
    let y: Vec<&String> = widget.y.iter().filter(|name| columns.contains(name)).collect();
    match (widget.kind.as_str(), x, y.first()) {
        ("counter", _, Some(y)) => counter(rows, y),
        ("bar", Some(x), Some(_)) => bars(&series(widget, rows, x, &y)),
        ("line" | "area" | "scatter", Some(x), Some(_)) => lines(&series(widget, rows, x, &y), &widget.kind),
        ("pie", _, Some(y)) => slices(rows, widget.color.as_deref().or(x.map(String::as_str)), y),
        _ => table(columns, rows),
    }
}

/// What a chart shows: the places along its lower edge, and values at them by series.
struct Series {
    places: Vec<String>,
    lines: Vec<(String, Vec<Option<f64>>)>,
}

fn series(widget: &Widget, rows: &[Row], x: &str, y: &[&String]) -> Series {
    let mut found = Series { places: Vec::new(), lines: Vec::new() };
    for row in rows {
        let place = plain(row.get(x));
        let at = found.places.iter().position(|known| *known == place).unwrap_or_else(|| {
            found.places.push(place);
            found.places.len() - 1
        });
        for column in y {
            let name = widget.color.as_ref().map_or_else(|| (*column).clone(), |color| plain(row.get(color)));
            let line = found.lines.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                found.lines.push((name, Vec::new()));
                found.lines.len() - 1
            });
            let values = &mut found.lines[line].1;
            values.resize(values.len().max(at + 1), None);
            values[at] = row.get(*column).and_then(number);
        }
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "charts have few places")]
fn bars(series: &Series) -> String {
    let (least, most) = range(series);
    let mut drawing = frame(series, least, most);
    let room = (WIDTH - LEFT) / series.places.len().max(1) as f64;
    let width = room * 0.8 / series.lines.len().max(1) as f64;
    let up = |value: f64| (HEIGHT - BOTTOM) * (1.0 - (value - least) / (most - least));
    for (index, (name, values)) in series.lines.iter().enumerate() {
        for (at, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let (top, base) = (up(value.max(0.0)), up(value.min(0.0)));
            let left = LEFT + room * (at as f64 + 0.1) + width * index as f64;
            let _ = write!(
                drawing,
                r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{:.1}" fill="{}"><title>{} · {}: {value}</title></rect>"#,
                (base - top).max(0.5),
                COLORS[index % COLORS.len()],
                escape(&series.places[at]),
                escape(name),
            );
        }
    }
    drawing + "</svg>" + &legend(series)
}

#[expect(clippy::cast_precision_loss, reason = "charts have few places")]
fn lines(series: &Series, kind: &str) -> String {
    let (least, most) = range(series);
    let mut drawing = frame(series, least, most);
    let room = (WIDTH - LEFT) / series.places.len().max(1) as f64;
    for (index, (name, values)) in series.lines.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let points: Vec<(f64, f64, f64)> = values
            .iter()
            .enumerate()
            .filter_map(|(at, value)| {
                let value = (*value)?;
                let up = (HEIGHT - BOTTOM) * (1.0 - (value - least) / (most - least));
                Some((LEFT + room * (at as f64 + 0.5), up, value))
            })
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
        if kind == "area" && !points.is_empty() {
            let base = HEIGHT - BOTTOM;
            let (first, last) = (points[0].0, points[points.len() - 1].0);
            let _ = write!(
                drawing,
                r#"<polygon points="{first:.1},{base} {} {last:.1},{base}" fill="{color}" opacity="0.25"/>"#,
                path.join(" ")
            );
        }
        if kind != "scatter" {
            let _ = write!(
                drawing,
                r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="2"/>"#,
                path.join(" ")
            );
        }
        for (x, y, value) in &points {
            let _ = write!(
                drawing,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="2.5" fill="{color}"><title>{}: {value}</title></circle>"#,
                escape(name)
            );
        }
    }
    drawing + "</svg>" + &legend(series)
}

/// Parts of a whole as one bar, which needs no trigonometry to be read.
fn slices(rows: &[Row], name: Option<&str>, value: &str) -> String {
    let parts: Vec<(String, f64)> = rows
        .iter()
        .filter_map(|row| {
            let number = row.get(value).and_then(number).filter(|number| *number > 0.0)?;
            Some((name.map(|name| plain(row.get(name))).unwrap_or_default(), number))
        })
        .collect();
    let total: f64 = parts.iter().map(|(_, number)| number).sum();
    let mut drawing = format!(r#"<svg viewBox="0 0 {WIDTH} 60" role="img">"#);
    let mut legend = "<ul class=\"legend\">".to_owned();
    let mut at = 0.0;
    for (index, (name, number)) in parts.iter().enumerate() {
        let (share, color) = (number / total, COLORS[index % COLORS.len()]);
        let _ = write!(
            drawing,
            r#"<rect x="{:.1}" y="10" width="{:.1}" height="40" fill="{color}"><title>{}: {number}</title></rect>"#,
            at * WIDTH,
            share * WIDTH,
            escape(name)
        );
        let _ = write!(
            legend,
            "<li><i style=\"background:{color}\"></i>{} {:.1} %</li>",
            escape(name),
            share * 100.0
        );
        at += share;
    }
    format!("{drawing}</svg>{legend}</ul>")
}

fn counter(rows: &[Row], value: &str) -> String {
    let text = plain(rows.first().and_then(|row| row.get(value)));
    format!("<p class=\"counter\">{}</p>", escape(&text))
}

/// Rows as a table.
pub(super) fn table(columns: &[String], rows: &[Row]) -> String {
    let mut text = "<div class=\"scroll\"><table><thead><tr>".to_owned();
    for column in columns {
        let _ = write!(text, "<th>{}</th>", escape(column));
    }
    text.push_str("</tr></thead><tbody>");
    for row in rows.iter().take(SHOWN) {
        text.push_str("<tr>");
        for column in columns {
            let value = row.get(column);
            let class = if value.is_some_and(Value::is_number) { " class=\"n\"" } else { "" };
            let _ = write!(text, "<td{class}>{}</td>", escape(&plain(value)));
        }
        text.push_str("</tr>");
    }
    text.push_str("</tbody></table></div>");
    if rows.len() > SHOWN {
        let _ = write!(text, "<p class=\"note\">{SHOWN} of {} rows</p>", rows.len());
    }
    text
}

fn legend(series: &Series) -> String {
    if series.lines.len() < 2 {
        return String::new();
    }
    let items = series.lines.iter().enumerate().map(|(index, (name, _))| {
        format!("<li><i style=\"background:{}\"></i>{}</li>", COLORS[index % COLORS.len()], escape(name))
    });
    format!("<ul class=\"legend\">{}</ul>", items.collect::<String>())
}

/// The chart's axes with a few numbers and names at them.
#[expect(clippy::cast_precision_loss, reason = "charts have few places")]
fn frame(series: &Series, least: f64, most: f64) -> String {
    let mut drawing = format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">"#);
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let y = (HEIGHT - BOTTOM) * (1.0 - share);
        let value = least + (most - least) * share;
        let _ = write!(
            drawing,
            r##"<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1}" y2="{y:.1}" stroke="#d0d7de"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"##,
            LEFT - 6.0,
            (y + 4.0).max(10.0),
            short(value)
        );
    }
    let room = (WIDTH - LEFT) / series.places.len().max(1) as f64;
    let every = series.places.len().div_ceil(8).max(1);
    for (at, place) in series.places.iter().enumerate().step_by(every) {
        let name: String = place.chars().take(14).collect();
        let _ = write!(
            drawing,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            LEFT + room * (at as f64 + 0.5),
            HEIGHT - 12.0,
            escape(&name)
        );
    }
    drawing
}

fn range(series: &Series) -> (f64, f64) {
    let values = series.lines.iter().flat_map(|(_, values)| values.iter().flatten().copied());
    let (least, most) =
        values.fold((0.0_f64, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
    if (most - least).abs() < f64::EPSILON { (least, least + 1.0) } else { (least, most) }
}

fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 1e6 {
        format!("{:.1}M", value / 1e6)
    } else if size >= 1e3 {
        format!("{:.1}k", value / 1e3)
    } else if value.fract().abs() < 1e-9 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
    number.filter(|number| number.is_finite())
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn widget(kind: &str) -> Widget {
        Widget {
            title: String::new(),
            kind: kind.to_owned(),
            text: String::new(),
            sql: String::new(),
            x: Some("x".to_owned()),
            y: vec!["y".to_owned()],
            color: None,
            width: 6,
        }
    }

    #[test]
    fn rows_become_marks_and_no_markup_of_theirs_survives() {
        let rows: Vec<Row> = [json!({ "x": "<b>", "y": 2 }), json!({ "x": "c", "y": "-3.5" })]
            .iter()
            .map(|row| row.as_object().unwrap().clone())
            .collect();
        let columns = ["x".to_owned(), "y".to_owned()];
        for (kind, mark, count) in
            [("bar", "<rect", 2), ("line", "<circle", 2), ("pie", "<rect", 1), ("table", "<td", 4)]
        {
            let drawn = draw(&widget(kind), &columns, &rows);
            assert_eq!(drawn.matches(mark).count(), count, "{kind}: {drawn}");
            assert!(!drawn.contains("<b>"), "{drawn}");
        }
        assert_eq!(draw(&widget("counter"), &columns, &rows), "<p class=\"counter\">2</p>");
        assert!(draw(&widget("sankey"), &columns, &rows).contains("<table>"));
        assert!(!draw(&widget("bar"), &columns, &[]).contains("NaN"));
    }
}
