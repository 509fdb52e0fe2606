//! The language server: diagnostics, hover, fixes and completion for the files of an app, over stdio.
//!
//! One thread reads messages, one handles them. A change is checked when no further message waits, so that a burst of
//! keystrokes costs one check.

mod complete;
mod document;
mod wire;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use brickyard_project::check::{self, Finding, Level, Options};
use serde_json::{Value, json};

use document::{Document, path_of, uri_of};

/// Serves until the client says `exit` or closes the stream; true if it said `shutdown` before.
pub(crate) fn serve(input: impl BufRead + Send + 'static, output: impl Write) -> std::io::Result<bool> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new().name("lsp-reader".to_owned()).spawn(move || {
        let mut input = input;
        while let Some(message) = wire::read(&mut input) {
            if sender.send(message).is_err() {
                break;
            }
        }
    })?;
    let mut server = Server::new(output);
    loop {
        let message = match receiver.try_recv() {
            Ok(message) => message,
            Err(mpsc::TryRecvError::Empty) => {
                server.check_changed()?;
                match receiver.recv() {
                    Ok(message) => message,
                    Err(mpsc::RecvError) => return Ok(server.stopping),
                }
            }
            Err(mpsc::TryRecvError::Disconnected) => return Ok(server.stopping),
        };
        if server.handle(&message)? {
            return Ok(server.stopping);
        }
    }
}

struct Server<W> {
    output: W,
    /// Folders the editor has open.
    roots: Vec<PathBuf>,
    documents: HashMap<PathBuf, Document>,
    /// Folders of apps to check again.
    changed: BTreeSet<PathBuf>,
    /// What was published, by app and file.
    published: BTreeMap<PathBuf, BTreeMap<PathBuf, Vec<Finding>>>,
    stopping: bool,
}

impl<W> Server<W> {
    fn new(output: W) -> Self {
        Self {
            output,
            roots: Vec::new(),
            documents: HashMap::new(),
            changed: BTreeSet::new(),
            published: BTreeMap::new(),
            stopping: false,
        }
    }
}

impl<W: Write> Server<W> {
    /// Handles one message; true when it is the last.
    fn handle(&mut self, message: &Result<Value, String>) -> std::io::Result<bool> {
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                self.send(&json!({"id": null, "error": {"code": -32700, "message": error}}))?;
                return Ok(false);
            }
        };
        let params = &message["params"];
        let id = message.get("id").filter(|id| !id.is_null());
        let Some(method) = message["method"].as_str() else { return Ok(false) };
        match (method, id) {
            ("exit", _) => return Ok(true),
            ("textDocument/didOpen", _) => self.open(params),
            ("textDocument/didChange", _) => self.change(params),
            ("textDocument/didSave", _) => self.touch(params),
            ("textDocument/didClose", _) => self.close(params),
            ("workspace/didChangeWatchedFiles", _) => {
                for change in params["changes"].as_array().into_iter().flatten() {
                    if let Some(path) = change["uri"].as_str().and_then(path_of) {
                        self.changed.insert(self.app_of(&path));
                    }
                }
            }
            (_, None) => {}
            ("initialize", Some(id)) => {
                let folders = params["workspaceFolders"].as_array().into_iter().flatten();
                let folders = folders.filter_map(|folder| folder["uri"].as_str().and_then(path_of));
                let root = params["rootUri"].as_str().and_then(path_of);
                let root = root.or_else(|| params["rootPath"].as_str().map(PathBuf::from));
                self.roots = folders.chain(root).collect();
                self.answer(id, capabilities())?;
            }
            ("shutdown", Some(id)) => {
                self.stopping = true;
                self.answer(id, Value::Null)?;
            }
            ("textDocument/hover", Some(id)) => {
                self.check_changed()?;
                let hover = self.hover(params);
                self.answer(id, hover)?;
            }
            ("textDocument/codeAction", Some(id)) => {
                self.check_changed()?;
                let actions = self.actions(params);
                self.answer(id, actions)?;
            }
            ("textDocument/completion", Some(id)) => {
                let items = self.completion(params);
                self.answer(id, items)?;
            }
            (method, Some(id)) => {
                let error = json!({"code": -32601, "message": format!("`{method}` is not served")});
                self.send(&json!({"id": id, "error": error}))?;
            }
        }
        Ok(false)
    }

    fn send(&mut self, message: &Value) -> std::io::Result<()> {
        wire::write(&mut self.output, message)
    }

    fn answer(&mut self, id: &Value, result: Value) -> std::io::Result<()> {
        self.send(&json!({"id": id, "result": result}))
    }

    fn open(&mut self, params: &Value) {
        let document = &params["textDocument"];
        let Some(path) = document["uri"].as_str().and_then(path_of) else { return };
        let text = document["text"].as_str().unwrap_or_default();
        self.documents.insert(path.clone(), Document::new(text));
        self.changed.insert(self.app_of(&path));
    }

    fn change(&mut self, params: &Value) {
        let Some(path) = params["textDocument"]["uri"].as_str().and_then(path_of) else { return };
        let Some(document) = self.documents.get_mut(&path) else { return };
        for change in params["contentChanges"].as_array().into_iter().flatten() {
            document.change(change);
        }
        self.changed.insert(self.app_of(&path));
    }

    fn touch(&mut self, params: &Value) {
        if let Some(path) = params["textDocument"]["uri"].as_str().and_then(path_of) {
            self.changed.insert(self.app_of(&path));
        }
    }

    fn close(&mut self, params: &Value) {
        if let Some(path) = params["textDocument"]["uri"].as_str().and_then(path_of) {
            self.documents.remove(&path);
            self.changed.insert(self.app_of(&path));
        }
    }

    /// The folder of the app a file belongs to.
    fn app_of(&self, file: &Path) -> PathBuf {
        let marks = ["app.yaml", "app.yml", "brickyard.toml", "databricks.yml"];
        let open = |path: PathBuf| path.is_file() || self.documents.contains_key(&path);
        for folder in file.ancestors().skip(1) {
            if marks.iter().any(|name| open(folder.join(name))) {
                return folder.to_owned();
            }
            if self.roots.iter().any(|root| root == folder) {
                break;
            }
        }
        file.parent().unwrap_or(Path::new(".")).to_owned()
    }

    fn check_changed(&mut self) -> std::io::Result<()> {
        let overlay: HashMap<PathBuf, String> = self
            .documents
            .iter()
            .map(|(path, document)| (path.clone(), document.text().to_owned()))
            .collect();
        for app in std::mem::take(&mut self.changed) {
            let options = Options { overlay: overlay.clone(), ..Options::default() };
            let findings = check::check(&app, &options).map(|report| report.findings).unwrap_or_default();
            let mut files: BTreeMap<PathBuf, Vec<Finding>> = BTreeMap::new();
            for finding in findings {
                files.entry(finding.source.path.clone()).or_default().push(finding);
            }
            let before = self.published.insert(app.clone(), files.clone()).unwrap_or_default();
            // A bundle's folder and the app in it both speak of the app's files: the last to look is right.
            for (_, others) in self.published.iter_mut().filter(|(other, _)| **other != app) {
                others.retain(|path, _| !files.contains_key(path) && !before.contains_key(path));
            }
            let quiet: Vec<PathBuf> = before.into_keys().filter(|path| !files.contains_key(path)).collect();
            for path in quiet {
                self.publish(&path, &[])?;
            }
            for (path, findings) in &files {
                self.publish(path, findings)?;
            }
            // A clean open file of the app hears that it is clean, so that an editor stops waiting.
            let clean = |path: &&PathBuf| !files.contains_key(*path) && self.app_of(path) == app;
            let open: Vec<PathBuf> = self.documents.keys().filter(clean).cloned().collect();
            for path in open {
                self.publish(&path, &[])?;
            }
        }
        Ok(())
    }

    fn publish(&mut self, path: &Path, findings: &[Finding]) -> std::io::Result<()> {
        let diagnostics: Vec<Value> = findings.iter().map(diagnostic).collect();
        let params = json!({"uri": uri_of(path), "diagnostics": diagnostics});
        self.send(&json!({"method": "textDocument/publishDiagnostics", "params": params}))
    }

    fn findings_at(&self, path: &Path) -> impl Iterator<Item = &Finding> {
        self.published.values().filter_map(|files| files.get(path)).flatten()
    }

    fn hover(&self, params: &Value) -> Value {
        let Some(path) = params["textDocument"]["uri"].as_str().and_then(path_of) else { return Value::Null };
        let pages: Vec<String> = self
            .findings_at(&path)
            .filter(|finding| {
                finding.span.touches(document::offset(finding.source.text(), &params["position"]))
            })
            .map(|finding| format!("**{}**\n\n{}", finding.message, finding.rule.page()))
            .collect();
        if pages.is_empty() {
            return Value::Null;
        }
        json!({"contents": {"kind": "markdown", "value": pages.join("\n\n---\n\n")}})
    }

    fn actions(&self, params: &Value) -> Value {
        let uri = params["textDocument"]["uri"].as_str().unwrap_or_default();
        let Some(path) = path_of(uri) else { return json!([]) };
        let mut actions = Vec::new();
        for finding in self.findings_at(&path) {
            let text = finding.source.text();
            let start = document::offset(text, &params["range"]["start"]);
            let end = document::offset(text, &params["range"]["end"]);
            if end < finding.span.start || start > finding.span.end {
                continue;
            }
            if let Some(fix) = &finding.fix {
                let edits: Vec<Value> = fix
                    .edits
                    .iter()
                    .map(|edit| json!({"range": document::range(text, edit.span), "newText": edit.text}))
                    .collect();
                actions.push(json!({
                    "title": fix.title,
                    "kind": "quickfix",
                    "isPreferred": fix.safe,
                    "diagnostics": [diagnostic(finding)],
                    "edit": {"changes": {uri: edits}},
                }));
            }
            let line = finding.source.line_span(finding.source.line_index(finding.span.start));
            let end = brickyard_project::Span::new(line.end, line.end);
            let comment = format!("  # brickyard: ignore[{}]", finding.rule.code);
            actions.push(json!({
                "title": format!("Ignore {} on this line", finding.rule.code),
                "kind": "quickfix",
                "diagnostics": [diagnostic(finding)],
                "edit": {"changes": {uri: [{"range": document::range(text, end), "newText": comment}]}},
            }));
        }
        Value::Array(actions)
    }

    fn completion(&self, params: &Value) -> Value {
        let Some(path) = params["textDocument"]["uri"].as_str().and_then(path_of) else { return json!([]) };
        let Some(document) = self.documents.get(&path) else { return json!([]) };
        let app = self.app_of(&path);
        Value::Array(complete::items(&path, document.text(), &params["position"], &app))
    }
}

fn capabilities() -> Value {
    json!({
        "capabilities": {
            "positionEncoding": "utf-16",
            "textDocumentSync": {"openClose": true, "change": 2, "save": true},
            "hoverProvider": true,
            "codeActionProvider": {"codeActionKinds": ["quickfix"]},
            "completionProvider": {"triggerCharacters": [" ", ":"]},
        },
        "serverInfo": {"name": "brickyard", "version": env!("CARGO_PKG_VERSION")},
    })
}

fn diagnostic(finding: &Finding) -> Value {
    let message = match &finding.hint {
        Some(hint) => format!("{}\nhint: {hint}", finding.message),
        None => finding.message.clone(),
    };
    json!({
        "range": document::range(finding.source.text(), finding.span),
        "severity": match finding.level {
            Level::Error => 1,
            Level::Warning => 2,
            Level::Info => 3,
        },
        "code": finding.rule.code,
        "source": "brickyard",
        "message": message,
    })
}
