//! Notebooks as Jupyter writes them (nbformat 4) and as source text with `COMMAND` separators: one from the other.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

const SEPARATOR: &str = "COMMAND ----------";
const HEADER: &str = "Databricks notebook source";

/// Where Jupyter notebooks of the platform keep what nbformat has no place for.
const NOTEBOOK_NOTE: &str = "application/vnd.databricks.v1+notebook";
const CELL_NOTE: &str = "application/vnd.databricks.v1+cell";

/// A notebook's language and what its comments begin with.
const LANGUAGES: [(&str, &str, &str); 4] =
    [("PYTHON", "python", "#"), ("SQL", "sql", "--"), ("SCALA", "scala", "//"), ("R", "r", "#")];

/// One cell, in the middle between the two forms.
struct Cell {
    markdown: bool,
    text: String,
    title: Option<String>,
}

/// A Jupyter notebook, if the bytes are one; the words say why not.
pub(super) fn parse(content: &[u8]) -> Result<Value, String> {
    let document: Value = serde_json::from_slice(content)
        .map_err(|error| format!("The notebook is not valid JSON: {error}"))?;
    match document["nbformat"].as_u64() {
        Some(4) if document["cells"].is_array() => Ok(document),
        Some(4) => Err("The notebook has no cells".to_owned()),
        Some(other) => {
            Err(format!("Notebooks of nbformat {other} are not supported: convert it to nbformat 4"))
        }
        None => Err("The content is not a Jupyter notebook: nbformat is missing".to_owned()),
    }
}

/// The language of a Jupyter notebook, `PYTHON` where it names none we know.
pub(super) fn language(document: &Value) -> &'static str {
    let metadata = &document["metadata"];
    let named = [
        &metadata[NOTEBOOK_NOTE]["language"],
        &metadata["language_info"]["name"],
        &metadata["kernelspec"]["language"],
    ];
    let named = named.iter().find_map(|value| value.as_str()).unwrap_or_default().to_lowercase();
    LANGUAGES.iter().find(|(_, name, _)| *name == named).map_or("PYTHON", |(language, ..)| language)
}

/// The source text of a Jupyter notebook.
pub(super) fn to_source(document: &Value, language: &str) -> String {
    let sign = sign(language);
    let mut source = format!("{sign} {HEADER}\n");
    for (at, cell) in document["cells"].as_array().into_iter().flatten().enumerate() {
        if at > 0 {
            let _ = write!(source, "\n{sign} {SEPARATOR}\n\n");
        }
        if let Some(title) = cell["metadata"][CELL_NOTE]["title"].as_str().filter(|title| !title.is_empty()) {
            let _ = writeln!(source, "{sign} DBTITLE 1,{}", title.replace('\n', " "));
        }
        let mut text = joined(&cell["source"]);
        if cell["cell_type"] != "code" {
            text = format!("%md\n{text}");
        }
        // What is not of the notebook's own language stands behind `MAGIC`.
        let magic = text.trim_start().starts_with(['%', '!']);
        for line in text.lines() {
            let _ = match (magic, line.is_empty()) {
                (true, true) => writeln!(source, "{sign} MAGIC"),
                (true, false) => writeln!(source, "{sign} MAGIC {line}"),
                (false, _) => writeln!(source, "{line}"),
            };
        }
    }
    source
}

/// The Jupyter notebook of a source text.
pub(super) fn from_source(source: &str, language: &str, name: &str) -> Value {
    let cells: Vec<Value> = cells(source, language)
        .map(|cell| {
            let lines: Vec<&str> = cell.text.split_inclusive('\n').collect();
            let mut metadata = Map::new();
            if let Some(title) = cell.title {
                metadata.insert(CELL_NOTE.to_owned(), json!({ "title": title, "showTitle": true }));
            }
            if cell.markdown {
                json!({ "cell_type": "markdown", "metadata": metadata, "source": lines })
            } else {
                json!({ "cell_type": "code", "execution_count": null, "metadata": metadata, "outputs": [], "source": lines })
            }
        })
        .collect();
    let word = LANGUAGES.iter().find(|(known, ..)| *known == language).map_or("python", |(_, word, _)| word);
    json!({
        "cells": cells,
        "metadata": {
            NOTEBOOK_NOTE: { "language": word, "notebookName": name },
            "language_info": { "name": word },
        },
        "nbformat": 4,
        "nbformat_minor": 0,
    })
}

/// A source text that begins as every notebook's does.
pub(super) fn with_header(source: &str, language: &str) -> String {
    let header = format!("{} {HEADER}", sign(language));
    if source.lines().next().is_some_and(|line| line.trim_end() == header) {
        source.to_owned()
    } else {
        format!("{header}\n{source}")
    }
}

/// A page that shows the cells of a source text.
pub(super) fn to_html(source: &str, language: &str, name: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut page = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>{0}</title>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escape(name)
    );
    for cell in cells(source, language) {
        if let Some(title) = &cell.title {
            let _ = writeln!(page, "<h2>{}</h2>", escape(title));
        }
        let class = if cell.markdown { "markdown" } else { "code" };
        let _ = writeln!(page, "<pre class=\"{class}\">{}</pre>", escape(&cell.text));
    }
    page + "</body>\n</html>\n"
}

fn cells<'a>(source: &'a str, language: &'a str) -> impl Iterator<Item = Cell> + 'a {
    let sign = sign(language);
    let (separator, header) = (format!("{sign} {SEPARATOR}"), format!("{sign} {HEADER}"));
    let mut groups: Vec<Vec<&str>> = vec![Vec::new()];
    for (at, line) in source.lines().enumerate() {
        if at == 0 && line.trim_end() == header {
            continue;
        }
        if line.trim_end() == separator {
            groups.push(Vec::new());
        } else if let Some(group) = groups.last_mut() {
            group.push(line);
        }
    }
    let alone = groups.len() == 1;
    groups.into_iter().filter_map(move |lines| {
        let cell = cell(&lines, sign);
        // A notebook without a cell has no text behind its header.
        (!alone || !cell.text.is_empty()).then_some(cell)
    })
}

fn cell(lines: &[&str], sign: &str) -> Cell {
    let blank = |line: &&&str| line.trim().is_empty();
    let start = lines.iter().take_while(blank).count();
    let end = lines.len() - lines[start..].iter().rev().take_while(blank).count();
    let mut lines = &lines[start..end];
    let title =
        lines.first().and_then(|line| line.strip_prefix(&format!("{sign} DBTITLE "))?.split_once(','));
    if title.is_some() {
        lines = &lines[1..];
    }
    let (magic, bare) = (format!("{sign} MAGIC "), format!("{sign} MAGIC"));
    let stripped: Option<Vec<&str>> = lines
        .iter()
        .map(|line| line.strip_prefix(&magic).or_else(|| (line.trim_end() == bare).then_some("")))
        .collect();
    let text =
        stripped.filter(|lines| !lines.is_empty()).map_or_else(|| lines.join("\n"), |lines| lines.join("\n"));
    let markdown = text.strip_prefix("%md").and_then(|rest| match rest.chars().next() {
        None => Some(String::new()),
        Some('\n' | ' ') => Some(rest[1..].to_owned()),
        Some(_) => None,
    });
    let title = title.map(|(_, title)| title.to_owned());
    match markdown {
        Some(text) => Cell { markdown: true, text, title },
        None => Cell { markdown: false, text, title },
    }
}

/// The text of a cell: one string, or a list of lines.
fn joined(source: &Value) -> String {
    match source {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

fn sign(language: &str) -> &'static str {
    LANGUAGES.iter().find(|(known, ..)| *known == language).map_or("#", |(_, _, sign)| sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notebook(language: &str, cells: &Value) -> Value {
        json!({ "nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": { "language_info": { "name": language } } })
    }

    #[test]
    fn cells_go_into_source_and_come_back() {
        let cells = json!([
            { "cell_type": "markdown", "source": ["# Bricks\n", "\n", "and mortar"] },
            { "cell_type": "code", "source": "x = 1\n\nprint(x)", "metadata": { CELL_NOTE: { "title": "Count" } } },
            { "cell_type": "code", "source": ["%sql\n", "SELECT 1"] },
            { "cell_type": "code", "source": [] },
        ]);
        let document = notebook("python", &cells);
        let source = to_source(&document, language(&document));
        assert_eq!(
            source,
            "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Bricks\n# MAGIC\n# MAGIC and mortar\n\n\
             # COMMAND ----------\n\n# DBTITLE 1,Count\nx = 1\n\nprint(x)\n\n\
             # COMMAND ----------\n\n# MAGIC %sql\n# MAGIC SELECT 1\n\n# COMMAND ----------\n\n"
        );
        let back = from_source(&source, "PYTHON", "bricks");
        let texts: Vec<String> =
            back["cells"].as_array().unwrap().iter().map(|cell| joined(&cell["source"])).collect();
        assert_eq!(texts, ["# Bricks\n\nand mortar", "x = 1\n\nprint(x)", "%sql\nSELECT 1", ""]);
        assert_eq!(back["cells"][0]["cell_type"], "markdown");
        assert_eq!(back["cells"][1]["metadata"][CELL_NOTE]["title"], "Count");
        assert_eq!(to_source(&back, language(&back)), source);
    }

    #[test]
    fn other_languages_have_their_own_signs() {
        let document = notebook("SQL", &json!([{ "cell_type": "code", "source": "SELECT 1" }]));
        assert_eq!(language(&document), "SQL");
        let source = to_source(&document, "SQL");
        assert_eq!(source, "-- Databricks notebook source\nSELECT 1\n");
        assert_eq!(from_source(&source, "SQL", "q")["metadata"]["language_info"]["name"], "sql");
        assert_eq!(with_header("SELECT 1", "SQL"), "-- Databricks notebook source\nSELECT 1");
        assert_eq!(with_header(&source, "SQL"), source);
    }

    #[test]
    fn what_is_no_notebook_is_told() {
        assert!(parse(b"x").unwrap_err().contains("not valid JSON"));
        assert!(parse(b"{}").unwrap_err().contains("nbformat is missing"));
        assert!(parse(br#"{"nbformat": 3, "worksheets": []}"#).unwrap_err().contains("nbformat 3"));
        assert!(parse(br#"{"nbformat": 4, "cells": []}"#).is_ok());
        assert_eq!(from_source("# Databricks notebook source\n", "PYTHON", "x")["cells"], json!([]));
        assert!(
            to_html("# Databricks notebook source\n1 < 2", "PYTHON", "a&b")
                .contains("<pre class=\"code\">1 &lt; 2</pre>")
        );
    }
}
