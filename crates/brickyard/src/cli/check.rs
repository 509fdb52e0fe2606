use std::fmt::Write;
use std::path::{Path, PathBuf};

use brickyard_project::check::render::{Format, render};
use brickyard_project::check::{self, Report};

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::check::{self as ops, Request};
use crate::printer::{Output, Printer};

/// Find what would fail on the platform, without running anything
///
/// Reads `app.yaml`, requirements, the bundle and every Python file the command reaches. Ends with 1 if there are errors
/// or warnings. `# brickyard: ignore[CODE]` at the end of a line, or alone above it, hides a finding.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Folder of an app, or a folder with apps in it
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Mend what can be mended without changing anything else
    #[arg(long)]
    fix: bool,
    /// Mend also what should be looked at afterwards
    #[arg(long)]
    unsafe_fixes: bool,
    /// Show what would be mended, and change nothing
    #[arg(long)]
    diff: bool,
    /// How findings are written [default: full; json with `-o json`]
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    output_format: Option<String>,
    /// Show the five steps of a finished app, with ticks
    #[arg(long)]
    checklist: bool,
    /// Check again whenever a file changes
    #[arg(long, conflicts_with_all = ["fix", "diff"])]
    watch: bool,
    /// Use these rules alone: codes, beginnings of codes, or names
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    select: Vec<String>,
    /// Leave out these rules
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    ignore: Vec<String>,
}

fn format_parser() -> clap::builder::PossibleValuesParser {
    Format::ALL.map(|(_, name)| name).into()
}

pub(crate) async fn run(args: CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let default = if printer.output == Output::Json { Format::Json } else { Format::Full };
    let format = args.output_format.as_deref().and_then(Format::from_name).unwrap_or(default);
    let path = context.settings.absolute(&args.path);
    let request =
        Request { path: &path, select: args.select, ignore: args.ignore, checklist: args.checklist };
    let root = context.settings.working_directory.clone();
    if args.watch {
        return watch(&request, format, &root, context).await;
    }
    if args.diff {
        return diff(&request, args.unsafe_fixes, printer);
    }
    let (report, mended) = if args.fix || args.unsafe_fixes {
        ops::fix(&request, args.unsafe_fixes)?
    } else {
        (ops::check(&request)?, 0)
    };
    if args.checklist {
        printer.data(checklist(&report).trim_end());
    } else {
        show(&report, format, &root, printer);
    }
    summary(&report, mended, printer);
    Ok(exit(&report))
}

fn exit(report: &Report) -> Exit {
    let (errors, warnings, _) = ops::counts(&report.findings);
    if errors + warnings > 0 { Exit::Found } else { Exit::Success }
}

fn show(report: &Report, format: Format, root: &Path, printer: Printer) {
    let text = render(&report.findings, format, root);
    if !text.is_empty() {
        printer.data(text.trim_end());
    }
}

fn summary(report: &Report, mended: usize, printer: Printer) {
    let (errors, warnings, remarks) = ops::counts(&report.findings);
    if mended > 0 {
        printer.note(format!("Mended {}", plural(mended, "finding")));
    }
    if report.findings.is_empty() {
        let apps = plural(report.apps.len(), "app");
        printer.note(format!("No problems found in {apps} ({})", plural(report.files, "file")));
        return;
    }
    let safe =
        report.findings.iter().filter(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safe)).count();
    let found = [(errors, "error"), (warnings, "warning"), (remarks, "remark")];
    let words: Vec<String> =
        found.iter().filter(|(count, _)| *count > 0).map(|(count, word)| plural(*count, word)).collect();
    let fixable = if safe > 0 { format!("; `--fix` mends {safe}") } else { String::new() };
    printer.note(format!("Found {}{fixable}", words.join(", ")));
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn diff(request: &Request<'_>, with_unsafe: bool, printer: Printer) -> Result<Exit, Failure> {
    let report = ops::check(request)?;
    let files = check::apply(&report.findings, with_unsafe);
    for file in &files {
        printer.data(check::diff(file).trim_end());
    }
    let count = files.iter().map(|file| file.count).sum();
    printer.note(format!("Would mend {}", plural(count, "finding")));
    Ok(if count > 0 { Exit::Found } else { Exit::Success })
}

fn checklist(report: &Report) -> String {
    let mut out = String::new();
    for app in &report.apps {
        let _ = writeln!(out, "{}", app.dir.display());
        for step in &app.checklist {
            let tick = if step.done { "[x]" } else { "[ ]" };
            let _ = writeln!(out, "  {tick} {}: {}", step.name, step.text);
        }
    }
    out
}

/// Checks, waits for a change, checks again, until Ctrl-C.
async fn watch(
    request: &Request<'_>,
    format: Format,
    root: &Path,
    context: &Context,
) -> Result<Exit, Failure> {
    use notify::Watcher;
    let (changed, mut changes) = tokio::sync::mpsc::channel::<()>(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let written = event.is_ok_and(|event| {
            let ours = |path: &PathBuf| {
                path.components().any(|part| part.as_os_str() == ".brickyard" || part.as_os_str() == ".git")
            };
            !event.kind.is_access() && !event.paths.iter().all(ours)
        });
        if written {
            // A full channel means that a check is due already.
            let _ = changed.try_send(());
        }
    })
    .map_err(|error| Failure::machine("Cannot watch files").because(error))?;
    watcher.watch(request.path, notify::RecursiveMode::Recursive).map_err(|error| {
        Failure::machine(format!("Cannot watch `{}`", request.path.display())).because(error)
    })?;
    loop {
        let report = ops::check(request)?;
        show(&report, format, root, context.printer);
        summary(&report, 0, context.printer);
        context.printer.note("Waiting for changes; Ctrl-C ends");
        tokio::select! {
            () = context.lifecycle.soft.cancelled() => return Ok(exit(&report)),
            _ = changes.recv() => {}
        }
        // Editors write several files at once; the rest of them arrive within this time.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let _ = changes.try_recv();
    }
}
