use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Rig, median};

pub(crate) const KEYSTROKE: Row = Row {
    name: "lsp",
    about: "from a keystroke in a file of 2,000 lines to its diagnostics",
    by_name: false,
    measure: keystroke,
};
pub(crate) const NEW: Row =
    Row { name: "new", about: "`new` of an app with every source of data", by_name: false, measure: new };

const KEYS: usize = 60;
const LINES: usize = 2_000;

fn keystroke(rig: &Rig) -> Result<Vec<Measured>, String> {
    let text = super::check::module(0, None, LINES - 1) + "import psycopg2  # \n";
    let lines = text.lines().count();
    let files = [
        ("app.yaml", "command: [\"python\", \"app.py\"]\n"),
        ("requirements.txt", "httpx==0.27.2\n"),
        ("app.py", text.as_str()),
    ];
    let folder = rig.app("lsp", &files)?;
    let uri = format!("file://{}", folder.join("app.py").display());
    let mut editor = Editor::start(rig)?;
    editor.send(&json!({"id": 0, "method": "initialize", "params": {"rootUri": format!("file://{}", folder.display()), "capabilities": {}}}))?;
    editor.until(|message| message["id"] == 0)?;
    let document = json!({"uri": uri, "languageId": "python", "version": 1, "text": text});
    editor.send(&json!({"method": "textDocument/didOpen", "params": {"textDocument": document}}))?;
    editor.diagnostics(&uri)?;
    let mut took = Vec::new();
    for key in 0..KEYS {
        // Typed at the end of the last line, behind the finding, which moves to nowhere.
        let at = json!({"line": lines - 1, "character": "import psycopg2  # ".len() + key});
        let change = json!({"range": {"start": at, "end": at}, "text": "a"});
        let start = Instant::now();
        editor.send(&json!({"method": "textDocument/didChange", "params": {
            "textDocument": {"uri": uri, "version": key + 2},
            "contentChanges": [change],
        }}))?;
        editor.diagnostics(&uri)?;
        took.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(vec![Measured {
        what: format!("diagnostics after a keystroke in a file of {lines} lines"),
        unit: "ms",
        ours: median(took),
        peer: None,
        aim: Aim::AtMost(20.0),
    }])
}

fn new(rig: &Rig) -> Result<Vec<Measured>, String> {
    let mut took = Vec::new();
    for round in 0..15 {
        let folder = rig.folder().join(format!("new-{round}"));
        let mut command = rig.brickyard(&["new", "demo", "--framework", "dash", "--auth", "both"]);
        command.args(["--data", "warehouse,lakebase,sdk,serving,functions", "--directory"]).arg(&folder);
        let start = Instant::now();
        Rig::output(&mut command)?;
        took.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let what = "`new` of an app with every source of data".to_owned();
    Ok(vec![Measured { what, unit: "ms", ours: median(took), peer: None, aim: Aim::AtMost(50.0) }])
}

/// `brickyard lsp` and the pipes to it.
struct Editor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Editor {
    fn start(rig: &Rig) -> Result<Self, String> {
        let mut child = rig
            .brickyard(&["lsp"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run `brickyard lsp`: {error}"))?;
        let input = child.stdin.take().ok_or("no stdin")?;
        let output = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Self { child, input, output })
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        let mut message = message.clone();
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len())
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("cannot write to `brickyard lsp`: {error}"))
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value, String> {
        loop {
            let message = self.read().map_err(|error| format!("`brickyard lsp` went away: {error}"))?;
            if wanted(&message) {
                return Ok(message);
            }
        }
    }

    /// Waits for the findings of a file; there is one in it.
    fn diagnostics(&mut self, uri: &str) -> Result<(), String> {
        let message = self.until(|message| message["params"]["uri"] == uri)?;
        match message["params"]["diagnostics"].as_array().map(Vec::len) {
            Some(1) => Ok(()),
            _ => Err(format!("not one finding: {message}")),
        }
    }

    fn read(&mut self) -> std::io::Result<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap_or_default(),
                _ if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
