//! Where an app says on which host and port it listens.

use crate::check::context::{Command, Context};
use crate::python::{Assign, Call, Module, Value};
use crate::source::{Source, Span};

/// The platform's port (platform §0, row 1).
pub(super) const PORT: i64 = 8000;

/// Variables that carry the platform's port (platform §3).
pub(super) const PORT_VARIABLES: [&str; 6] = [
    "DATABRICKS_APP_PORT",
    "PORT",
    "STREAMLIT_SERVER_PORT",
    "GRADIO_SERVER_PORT",
    "UVICORN_PORT",
    "FLASK_RUN_PORT",
];

/// What kind of server a call starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Flask,
    Dash,
    Gradio,
    Uvicorn,
    Other,
}

/// A call that starts a server and really runs on the platform.
pub(super) struct Site<'a> {
    pub(super) module: &'a Module,
    pub(super) call: &'a Call,
    pub(super) server: Server,
    /// Name of the keywords for host and port.
    pub(super) keywords: (&'static str, &'static str),
}

impl Site<'_> {
    pub(super) fn port(&self) -> Option<(&Value, Span)> {
        let position = match self.server {
            Server::Flask => Some(1),
            _ => None,
        };
        let by_position = |at: usize| self.call.args.get(at).map(|(value, span)| (value, *span));
        self.call.keyword(self.keywords.1).or_else(|| by_position(position?))
    }

    pub(super) fn host(&self) -> Option<(&Value, Span)> {
        let by_position = |at: usize| self.call.args.get(at).map(|(value, span)| (value, *span));
        self.call
            .keyword(self.keywords.0)
            .or_else(|| if self.server == Server::Flask { by_position(0) } else { None })
    }
}

/// The server calls that run: those under `if __name__ == "__main__"` only in the file that `python` starts.
pub(super) fn sites(context: &Context) -> Vec<Site<'_>> {
    let python = context.command.as_ref().is_some_and(|command| {
        let program = command.program();
        program.starts_with("python")
            || command
                .words
                .iter()
                .any(|word| crate::check::load::has_suffix(&word.text, "py") && program == word.text)
    });
    let entry = entry(context);
    let mut found = Vec::new();
    for module in context.reached() {
        for call in &module.calls {
            let Some((server, keywords)) = server(call) else { continue };
            let runs = python && (!call.main || entry == Some(module.path.as_str()));
            let in_function = call.scope != 0;
            if runs && (!in_function || python) {
                found.push(Site { module, call, server, keywords });
            }
        }
    }
    found
}

/// Assignments to a setting in `gunicorn.conf.py`, which gunicorn reads by itself.
pub(super) fn gunicorn_settings<'a>(
    context: &'a Context,
    name: &'static str,
) -> impl Iterator<Item = (&'a Module, &'a Assign)> {
    let named = context.command.as_ref().and_then(|command| command.option(&["-c", "--config"]));
    let named = named.map_or_else(|| "gunicorn.conf.py".to_owned(), |(file, _)| file);
    let named = named.trim_start_matches("file:").trim_start_matches("./").to_owned();
    let files = context.modules.iter().filter(move |module| module.path == named);
    files.flat_map(move |module| {
        let settings = module.assigns.iter().filter(move |assign| assign.target == name && assign.scope == 0);
        settings.map(move |assign| (module, assign))
    })
}

/// The file the command starts.
pub(super) fn entry(context: &Context) -> Option<&str> {
    let words = context.command.as_ref()?.texts();
    let file = crate::framework::entry_file(&context.dir, &words)?;
    let file = file.trim_start_matches("./");
    context.modules.iter().find(|module| module.path == file).map(|module| module.path.as_str())
}

fn server(call: &Call) -> Option<(Server, (&'static str, &'static str))> {
    let name = call.name.as_str();
    let plain = ("host", "port");
    Some(match name {
        "flask.Flask().run" | "dash.Dash().server.run" => (Server::Flask, plain),
        "dash.Dash().run" | "dash.Dash().run_server" | "dash.dash.Dash().run" => (Server::Dash, plain),
        "uvicorn.run" | "uvicorn.Config" => (Server::Uvicorn, plain),
        "waitress.serve"
        | "shiny.run_app"
        | "hypercorn.run"
        | "nicegui.ui.run"
        | "aiohttp.web.run_app"
        | "mcp.server.fastmcp.FastMCP"
        | "fastmcp.FastMCP().run"
        | "fastmcp.FastMCP().run_async" => (Server::Other, plain),
        _ if name.starts_with("gradio.") && name.ends_with("().launch") => {
            (Server::Gradio, ("server_name", "server_port"))
        }
        "flask_socketio.SocketIO().run" => (Server::Other, plain),
        _ => return None,
    })
}

/// The port written after an option of the command, with its place.
pub(super) fn command_port(command: &Command) -> Option<(String, Span)> {
    let program = command.program();
    let mut names = vec!["--port", "--server.port", "--server-port", "--server_port", "--backend-port"];
    if matches!(program, "flask" | "shiny") {
        names.push("-p");
    }
    if let Some(found) = command.option(&names) {
        return Some(found);
    }
    let (bind, span) = command.option(&["-b", "--bind"])?;
    let (_, port) = bind.rsplit_once(':')?;
    Some((port.to_owned(), span))
}

/// The host written after an option of the command, with its place.
pub(super) fn command_host(command: &Command) -> Option<(String, Span)> {
    if let Some(found) = command.option(&["--host", "--server.address", "--server-name", "--server_name"]) {
        return Some(found);
    }
    let (bind, span) = command.option(&["-b", "--bind"])?;
    let (host, _) = bind.rsplit_once(':')?;
    Some((host.to_owned(), span))
}

/// Whether a host is reached from this machine alone.
pub(super) fn is_local(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "::1" | "[::1]")
}

/// The place of a piece of text inside a span, else the span.
pub(super) fn inside(source: &Source, span: Span, piece: &str) -> Span {
    match source.slice(span).rfind(piece) {
        Some(at) if !piece.is_empty() => Span::new(span.start + at, span.start + at + piece.len()),
        _ => span,
    }
}
