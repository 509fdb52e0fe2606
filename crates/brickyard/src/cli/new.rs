use std::fmt::Write as _;
use std::path::PathBuf;

use brickyard_project::new::{Auth, Data, Deploy, Request, Template, check_name};
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::new as ops;
use crate::printer::{Printer, table};

/// Create an app that is ready to run, check and deploy
///
/// On a terminal, what is not given is asked for. Nothing is fetched, and nothing that exists is changed.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// Name of the app: lower-case letters, digits and hyphens
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Framework [default: streamlit]
    #[arg(long, value_parser = words(Template::ALL, Template::word))]
    framework: Option<String>,
    /// Where data comes from; several with commas [default: warehouse]
    #[arg(long, value_delimiter = ',', value_parser = words(Data::ALL, Data::word))]
    data: Vec<String>,
    /// As whom the app asks for data [default: app]
    #[arg(long, value_parser = words(Auth::ALL, Auth::word))]
    auth: Option<String>,
    /// How it is deployed [default: cli]
    #[arg(long, value_parser = words(Deploy::ALL, Deploy::word))]
    deploy: Option<String>,
    /// Add a backend with invented data, chosen by the variable `USE_MOCK_BACKEND`
    #[arg(long)]
    mock: bool,
    /// Folder of the app [default: a new one with the app's name]
    #[arg(long, value_name = "PATH")]
    directory: Option<PathBuf>,
    /// Show what there is to choose from
    #[arg(long)]
    list: bool,
}

fn words<T: Copy>(all: &'static [T], word: fn(T) -> &'static str) -> PossibleValuesParser {
    all.iter().map(|value| word(*value)).collect::<Vec<_>>().into()
}

pub(crate) fn run(args: NewArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let Some(name) = args.name.filter(|_| !args.list) else {
        list(printer);
        return Ok(Exit::Success);
    };
    let given = Data::ALL.iter().copied().filter(|data| args.data.iter().any(|word| word == data.word()));
    let mut request = Request {
        template: args.framework.as_deref().and_then(Template::from_word).unwrap_or(Template::Streamlit),
        data: given.collect(),
        auth: args.auth.as_deref().and_then(Auth::from_word).unwrap_or(Auth::App),
        deploy: args.deploy.as_deref().and_then(Deploy::from_word).unwrap_or(Deploy::Cli),
        mock: args.mock,
        name,
    };
    if printer.is_interactive() && !printer.quiet && check_name(&request.name).is_ok() {
        if args.framework.is_none() {
            request.template = ask(printer, "Framework", Template::ALL, Template::word, Template::why)?;
        }
        if request.data.is_empty() {
            request.data = ask_several(printer)?;
        }
        if args.auth.is_none() {
            request.auth = ask(printer, "Authorization", Auth::ALL, Auth::word, Auth::why)?;
        }
        if args.deploy.is_none() {
            request.deploy = ask(printer, "Deployment", Deploy::ALL, Deploy::word, Deploy::why)?;
        }
    }
    if request.data.is_empty() {
        request.data = vec![Data::Warehouse];
    }
    let shown = args.directory.unwrap_or_else(|| PathBuf::from(&request.name));
    let files = ops::new(&context.settings.absolute(&shown), &request)?;
    let document = json!({"name": request.name, "directory": shown, "files": files});
    printer.document(&document, |_| summary(&request, &shown.display().to_string(), files.len()));
    Ok(Exit::Success)
}

/// The five steps, ticked, and what to type next.
fn summary(request: &Request, directory: &str, files: usize) -> String {
    let data: Vec<&str> = request.data.iter().map(|data| data.name()).collect();
    let mut text = format!("Created `{}` with {files} files in {directory}\n\n", request.name);
    let steps = [
        ("framework", request.template.name().to_owned()),
        ("authorization", request.auth.name().to_owned()),
        ("resources", "named in app.yaml with valueFrom".to_owned()),
        ("data", data.join(", ")),
        ("deployment", request.deploy.name().to_owned()),
    ];
    for (name, what) in steps {
        let _ = writeln!(text, "  [x] {name}: {what}");
    }
    let _ = write!(text, "\nNext:\n  brickyard run {directory}\n  brickyard check {directory}\n");
    text
}

fn list(printer: Printer) {
    fn rows<T: Copy>(
        kind: &str,
        all: &[T],
        word: fn(T) -> &'static str,
        why: fn(T) -> &'static str,
    ) -> Vec<Vec<String>> {
        all.iter()
            .map(|value| vec![kind.to_owned(), word(*value).to_owned(), why(*value).to_owned()])
            .collect()
    }
    let mut all = rows("--framework", Template::ALL, Template::word, Template::why);
    all.extend(rows("--data", Data::ALL, Data::word, Data::why));
    all.extend(rows("--auth", Auth::ALL, Auth::word, Auth::why));
    all.extend(rows("--deploy", Deploy::ALL, Deploy::word, Deploy::why));
    let objects: Vec<_> =
        all.iter().map(|row| json!({"option": row[0], "value": row[1], "why": row[2]})).collect();
    printer.document(&objects, |_| table(&["OPTION", "VALUE", "CHOSEN FOR"], &all));
}

/// Shows numbered choices on stderr and reads one; an empty line takes the first.
fn ask<T: Copy>(
    printer: Printer,
    title: &str,
    all: &'static [T],
    word: fn(T) -> &'static str,
    why: fn(T) -> &'static str,
) -> Result<T, Failure> {
    show(printer, title, all, word, why);
    loop {
        let line = read(printer, "Number or word [1]: ")?;
        match pick(&line, all, word) {
            Some(value) => return Ok(value),
            None => printer.warning(format!("There is no choice `{line}`")),
        }
    }
}

fn ask_several(printer: Printer) -> Result<Vec<Data>, Failure> {
    show(printer, "Data, several with commas", Data::ALL, Data::word, Data::why);
    loop {
        let line = read(printer, "Numbers or words [1]: ")?;
        let picked: Option<Vec<Data>> =
            line.split(',').map(|part| pick(part.trim(), Data::ALL, Data::word)).collect();
        match picked {
            Some(mut data) => {
                data.sort_unstable();
                data.dedup();
                return Ok(data);
            }
            None => printer.warning(format!("`{line}` is not among the choices")),
        }
    }
}

fn show<T: Copy>(
    printer: Printer,
    title: &str,
    all: &[T],
    word: fn(T) -> &'static str,
    why: fn(T) -> &'static str,
) {
    printer.note(printer.bold(title));
    for (index, value) in all.iter().enumerate() {
        printer.note(format!("  {}. {:<10} {}", index + 1, word(*value), why(*value)));
    }
}

fn pick<T: Copy>(line: &str, all: &[T], word: fn(T) -> &'static str) -> Option<T> {
    if line.is_empty() {
        return all.first().copied();
    }
    match line.parse::<usize>() {
        Ok(number) => all.get(number.checked_sub(1)?).copied(),
        Err(_) => all.iter().copied().find(|value| word(*value).eq_ignore_ascii_case(line)),
    }
}

fn read(printer: Printer, prompt: &str) -> Result<String, Failure> {
    printer.prompt(prompt);
    let mut line = String::new();
    let count = std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::machine("Cannot read the answer").because(error))?;
    if count == 0 {
        return Err(Failure::user("No answer was given").hint("give the choices as options: see `--list`"));
    }
    Ok(line.trim().to_owned())
}
