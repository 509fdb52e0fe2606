//! `brickyard lsp`, spoken to as an editor does.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Editor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: u64,
}

impl Editor {
    fn start(root: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_brickyard"))
            .args(["lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut editor = Self { child, input, output, next: 1 };
        let answer = editor.request("initialize", &json!({"rootUri": uri(root), "capabilities": {}}));
        assert_eq!(answer["capabilities"]["textDocumentSync"]["change"], 2);
        editor.notify("initialized", &json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server went away");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                _ if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.read();
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{message}");
                return message["result"].clone();
            }
        }
    }

    /// The next diagnostics of a file that satisfy a condition.
    fn diagnostics(&mut self, file: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let message = self.read();
            if message["method"] != "textDocument/publishDiagnostics" || message["params"]["uri"] != file {
                continue;
            }
            let list = message["params"]["diagnostics"].as_array().unwrap().clone();
            if wanted(&list) {
                return list;
            }
        }
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

#[test]
fn an_editor_sees_findings_fixes_texts_and_completions() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let yaml = "command: [\"streamlit\", \"run\", \"app.py\", \"--server.port\", \"8080\"]\n";
    std::fs::write(root.join("app.yaml"), yaml).unwrap();
    std::fs::write(root.join("app.py"), "import streamlit as st\n").unwrap();
    let mut editor = Editor::start(&root);
    let file = uri(&root.join("app.yaml"));
    let document = json!({"uri": file, "languageId": "yaml", "version": 1, "text": yaml});
    editor.notify("textDocument/didOpen", &json!({"textDocument": document}));
    let list = editor.diagnostics(&file, |list| !list.is_empty());
    assert_eq!(list[0]["code"], "BY201");
    assert_eq!(list[0]["range"]["start"], json!({"line": 0, "character": 58}));

    let at = json!({"textDocument": {"uri": file}, "position": {"line": 0, "character": 59}});
    let hover = editor.request("textDocument/hover", &at);
    assert!(hover["contents"]["value"].as_str().unwrap().contains("# hard-coded-port (BY201)"));

    let range = json!({"start": {"line": 0, "character": 59}, "end": {"line": 0, "character": 59}});
    let actions = editor.request(
        "textDocument/codeAction",
        &json!({"textDocument": {"uri": file}, "range": range, "context": {"diagnostics": []}}),
    );
    assert_eq!(actions[0]["isPreferred"], true);
    let edit = actions[0]["edit"]["changes"][&file][0].clone();
    assert_eq!(edit["newText"], "$DATABRICKS_APP_PORT");

    let change = json!({"range": edit["range"], "text": edit["newText"]});
    let params = json!({"textDocument": {"uri": file, "version": 2}, "contentChanges": [change]});
    editor.notify("textDocument/didChange", &params);
    editor.diagnostics(&file, <[Value]>::is_empty);

    let change = json!({"range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}}, "text": "env:\n  - name: W\n    valueFrom: "});
    editor.notify(
        "textDocument/didChange",
        &json!({"textDocument": {"uri": file, "version": 3}, "contentChanges": [change]}),
    );
    let at = json!({"textDocument": {"uri": file}, "position": {"line": 3, "character": 15}});
    let items = editor.request("textDocument/completion", &at);
    assert!(items.as_array().unwrap().iter().any(|item| item["label"] == "sql-warehouse"), "{items}");

    editor.request("shutdown", &Value::Null);
    editor.notify("exit", &Value::Null);
    assert_eq!(editor.child.wait().unwrap().code(), Some(0));
}

#[test]
fn nonsense_is_answered_and_a_closed_pipe_ends_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let mut editor = Editor::start(dir.path());
    write!(editor.input, "Content-Length: 3\r\n\r\n{{{{{{").unwrap();
    assert_eq!(editor.read()["error"]["code"], -32700);
    editor.send(&json!({"jsonrpc": "2.0", "id": 7, "method": "textDocument/rename", "params": {}}));
    assert_eq!(editor.read()["error"]["code"], -32601);
    let Editor { mut child, input, .. } = editor;
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
