use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document, or one a line for streams.
    Json,
}

/// The only place that writes to the terminal: data to stdout, everything else to stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    pub(crate) output: Output,
    pub(crate) quiet: bool,
    pub(crate) color: bool,
}

impl Printer {
    /// One line of data.
    pub(crate) fn data(&self, line: impl AsRef<str>) {
        // A reader that went away (`| head`) is no failure of ours.
        let _ = writeln!(std::io::stdout().lock(), "{}", line.as_ref());
    }

    /// A document: JSON with `-o json`, else what `text` makes of it.
    pub(crate) fn document<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) {
        match self.output {
            Output::Text => self.data(text(value).trim_end()),
            Output::Json => self.data(serde_json::to_string_pretty(value).expect("documents are plain JSON")),
        }
    }

    /// A line for people beside the data; silent with `--quiet`.
    pub(crate) fn note(&self, line: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{}", line.as_ref());
        }
    }

    /// Stdout for a protocol that a program on the other side speaks.
    #[expect(clippy::unused_self, reason = "only a printer gives out stdout")]
    pub(crate) fn stream(&self) -> impl Write + Send + use<> {
        std::io::stdout()
    }

    /// A question for a person, on the line they answer on.
    pub(crate) fn prompt(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{text}");
        let _ = stderr.flush();
    }

    /// Something the user should know and the command goes on after.
    pub(crate) fn warning(&self, line: impl AsRef<str>) {
        let _ = writeln!(std::io::stderr().lock(), "{} {}", self.paint("33", "warning:"), line.as_ref());
    }

    /// A failure with its causes and its hint.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(stderr, "{} {failure}", self.paint("31", "error:"));
        for cause in failure.causes() {
            let _ = writeln!(stderr, "  cause: {cause}");
        }
        if let Some(hint) = &failure.hint {
            let _ = writeln!(stderr, "{} {hint}", self.paint("36", "hint:"));
        }
    }

    /// The text in bold where the terminal shows it.
    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Whether a person looks on while we work.
    pub(crate) fn is_watched(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// Whether a person can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }
}

/// Columns of text, each as wide as its longest cell.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(cells) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width + 2 - cell.chars().count().min(*width)));
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![line(header.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up() {
        let text = table(
            &["NAME", "STATE"],
            &[vec!["a-long-name".into(), "ACTIVE".into()], vec!["b".into(), "STOPPED".into()]],
        );
        assert_eq!(text, "NAME         STATE\na-long-name  ACTIVE\nb            STOPPED");
    }
}
