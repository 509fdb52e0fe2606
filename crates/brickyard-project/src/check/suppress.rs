use crate::check::context::Context;
use crate::check::finding::{Edit, Finding, Fix};
use crate::check::{covers, rules};
use crate::python::codes;
use crate::source::{Source, Span};

struct Comment {
    source: Source,
    codes: Vec<String>,
    span: Span,
    /// The line it speaks of, from 0.
    line: usize,
    used: Vec<bool>,
}

/// Takes away findings that a comment `# brickyard: ignore[CODE]` speaks of, and adds one for each comment or code
/// that speaks of none.
pub(super) fn apply(context: &Context, findings: Vec<Finding>) -> Vec<Finding> {
    let mut comments = comments(context);
    let mut kept = Vec::new();
    for finding in findings {
        let first = finding.source.line_index(finding.span.start);
        // The place of an entry may end at the beginning of the line below it.
        let text = finding.source.text();
        let end = finding.span.end.max(finding.span.start).min(text.len());
        let end = text.get(..end).map_or(end, |before| before.trim_end().len());
        let last = finding.source.line_index(end.max(finding.span.start));
        let mut hit = false;
        for comment in &mut comments {
            if comment.source.path != finding.source.path || (comment.line != first && comment.line != last) {
                continue;
            }
            if comment.codes.is_empty() {
                comment.used = vec![true];
                hit = true;
            }
            for (index, code) in comment.codes.iter().enumerate() {
                if covers(code, finding.rule) {
                    comment.used[index] = true;
                    hit = true;
                }
            }
        }
        if !hit {
            kept.push(finding);
        }
    }
    kept.extend(comments.iter().filter_map(unused));
    kept
}

fn unused(comment: &Comment) -> Option<Finding> {
    let idle: Vec<&str> = comment
        .codes
        .iter()
        .zip(&comment.used)
        .filter(|(_, used)| !**used)
        .map(|(code, _)| code.as_str())
        .collect();
    let all = comment.used.iter().all(|used| !used);
    let message = match idle.as_slice() {
        [] if !all => return None,
        [] => "This comment ignores nothing".to_owned(),
        idle => format!("Nothing to ignore here for `{}`", idle.join("`, `")),
    };
    let text = comment.source.text();
    let before = text[..comment.span.start].trim_end_matches([' ', '\t']).len();
    let alone = text[..before].is_empty() || text[..before].ends_with('\n');
    let start = if alone { comment.span.start } else { before };
    let edit = Edit {
        path: comment.source.path.clone(),
        span: Span::new(start, comment.span.end),
        text: String::new(),
    };
    Some(Finding {
        rule: &rules::unused_ignore::RULE,
        level: rules::unused_ignore::RULE.level,
        source: comment.source.clone(),
        span: comment.span,
        message,
        hint: Some("remove the comment, or the code".to_owned()),
        fix: all.then(|| Fix { title: "Remove the comment".to_owned(), safe: true, edits: vec![edit] }),
    })
}

fn comments(context: &Context) -> Vec<Comment> {
    let mut found = Vec::new();
    for module in &context.modules {
        for (codes, span) in &module.ignores {
            found.push(comment(&module.source, codes.clone(), *span));
        }
    }
    for source in context.texts() {
        let text = source.text();
        for (at, _) in text.match_indices("# brickyard: ignore") {
            let line = source.line_span(source.line_index(at));
            let span = Span::new(at, line.end);
            if let Some(codes) = codes(source.slice(span)) {
                found.push(comment(source, codes, span));
            }
        }
    }
    found
}

fn comment(source: &Source, codes: Vec<String>, span: Span) -> Comment {
    let line = source.line_index(span.start);
    let before = source.slice(Span::new(source.line_span(line).start, span.start));
    let used = vec![false; codes.len().max(1)];
    let line = if before.trim().is_empty() { line + 1 } else { line };
    Comment { source: source.clone(), codes, span, line, used }
}
