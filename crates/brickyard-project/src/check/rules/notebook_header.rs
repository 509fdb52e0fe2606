use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds Python files that begin with `# Databricks notebook source`.
    ///
    /// ## Why is this bad?
    /// The workspace stores such a file as a notebook, and the app does not find it: `can't open file 'app.py'`.
    ///
    /// ## Example
    /// ```python
    /// # Databricks notebook source
    /// import streamlit as st
    /// ```
    pub(crate) static RULE = { code: "BY703", name: "notebook-header", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        let line = module.source.line_span(0);
        if module.is_notebook() {
            let end = (line.end + 1).min(module.source.text().len());
            findings
                .at(&module.source, line, "The workspace stores this file as a notebook, and the app does not find it")
                .hint("remove the first line")
                .safe_fix("Remove the line", Span::new(line.start, end), "");
        }
    }
}
