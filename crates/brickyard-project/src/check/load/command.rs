//! What is started: a bundle's command, `app.yaml`'s, the platform's own, and what a script of the app starts in its turn.

use crate::check::context::{Command, Context, Word};
use crate::source::{Source, Span};
use crate::yaml::{Node, Value};

/// Programs a script may end in.
const PROGRAMS: [&str; 18] = [
    "uvicorn",
    "gunicorn",
    "hypercorn",
    "streamlit",
    "flask",
    "fastapi",
    "reflex",
    "shiny",
    "gradio",
    "chainlit",
    "python",
    "python3",
    "uv",
    "node",
    "npm",
    "npx",
    "mlflow",
    "waitress-serve",
];

/// The command: the bundle's, else `app.yaml`'s, else the platform's default.
pub(super) fn command(context: &Context) -> Option<Command> {
    let command = written(context)?;
    script(context, &command).or(Some(command))
}

fn written(context: &Context) -> Option<Command> {
    if let (Some(bundle), Some(app)) = (&context.bundle, context.bundle_app()) {
        let nodes = bundle.nodes(&app.key).into_iter().rev();
        let mut lists = nodes.filter_map(|(source, node)| Some((source, node.path(&["config", "command"])?)));
        if let Some(command) = lists.find_map(|(source, list)| from_list(source, list)) {
            return Some(command);
        }
    }
    if let Some((source, tree)) = &context.app_tree
        && let Some(list) = tree.get("command")
    {
        if let Some(command) = from_list(source, list) {
            return Some(command);
        }
        // A string is wrong but says what was meant, so the other rules can still look at it.
        let text = list.text()?;
        let words = split(text, list.span);
        return Some(Command { words, source: Some(source.clone()), shell: false, script: false });
    }
    let word = |text: &str| Word { text: text.to_owned(), span: Span::default() };
    if context.package_json.is_some() {
        return Some(Command {
            words: ["npm", "run", "start"].map(word).to_vec(),
            source: None,
            shell: false,
            script: false,
        });
    }
    let first = context.root_python.first()?;
    Some(Command { words: vec![word("python"), word(first)], source: None, shell: false, script: false })
}

fn from_list(source: &Source, list: &Node) -> Option<Command> {
    if !matches!(list.value, Value::Sequence(_)) || list.items().is_empty() {
        return None;
    }
    let mut words: Vec<Word> = list
        .items()
        .iter()
        .filter_map(|item| Some(Word { text: item.text()?.to_owned(), span: item.span }))
        .collect();
    let base = words.first()?.text.rsplit('/').next().unwrap_or_default().to_owned();
    let shell = matches!(base.as_str(), "bash" | "sh" | "dash" | "zsh")
        && words.get(1).is_some_and(|word| word.text.starts_with('-') && word.text.ends_with('c'));
    if shell {
        words = words.get(2).map(|line| split(&line.text, line.span)).unwrap_or_default();
    }
    Some(Command { words, source: Some(source.clone()), shell, script: false })
}

fn split(text: &str, span: Span) -> Vec<Word> {
    text.split_whitespace()
        .map(|word| Word { text: word.trim_matches(['"', '\'', ';']).to_owned(), span })
        // A backslash at the end of a line only continues it.
        .filter(|word| !word.text.is_empty() && word.text != "\\")
        .collect()
}

/// What `bash start.sh` starts: the last line of the script that begins with a program.
fn script(context: &Context, command: &Command) -> Option<Command> {
    let [shell, file, ..] = command.words.as_slice() else { return None };
    let base = shell.text.rsplit('/').next().unwrap_or_default();
    if command.shell || !matches!(base, "bash" | "sh" | "zsh") || !super::has_suffix(&file.text, "sh") {
        return None;
    }
    let source = Source::read_up_to(&context.dir.join(&file.text), 256 << 10).ok().flatten()?;
    let lines = script_lines(&source);
    let words = lines.into_iter().rev().find(|words| {
        let mut own = words.iter().skip_while(|word| word.text == "exec" || word.text.contains('='));
        own.next().is_some_and(|word| PROGRAMS.contains(&word.text.rsplit('/').next().unwrap_or_default()))
    })?;
    Some(Command { words, source: Some(source), shell: true, script: true })
}

/// The words of each line of a script, with `\\` at its end joined to the next.
fn script_lines(source: &Source) -> Vec<Vec<Word>> {
    let mut lines: Vec<Vec<Word>> = Vec::new();
    let mut continued = false;
    for index in 0..source.line_count().min(5_000) {
        let span = source.line_span(index);
        let text = source.slice(span);
        let more = std::mem::replace(&mut continued, text.trim_end().ends_with('\\'));
        if text.trim_start().starts_with('#') {
            continue;
        }
        let mut words = Vec::new();
        let mut at = 0;
        for piece in text.split_whitespace() {
            let start = at + text[at..].find(piece).unwrap_or_default();
            at = start + piece.len();
            if piece.starts_with('#') {
                break;
            }
            let plain = piece.trim_matches(['"', '\'', ';']);
            if !plain.is_empty() && plain != "\\" {
                let start = span.start + start + piece.find(plain).unwrap_or_default();
                words.push(Word { text: plain.to_owned(), span: Span::new(start, start + plain.len()) });
            }
        }
        match lines.last_mut().filter(|_| more) {
            Some(line) => line.extend(words),
            None => lines.push(words),
        }
    }
    lines
}
