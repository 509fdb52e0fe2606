use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Rig, median};

pub(crate) const ROW: Row = Row {
    name: "mcp",
    about: "the MCP server from its start to `tools/list`, and one call, against FastMCP",
    by_name: false,
    measure,
};

const SERVER: &str = include_str!("clients/fastmcp_server.py");
const FASTMCP: &str = "fastmcp==4.2.3";

const STARTS: usize = 11;
const CALLS: usize = 2000;

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    let environment = rig.cache().join("fastmcp");
    let python = environment.join("bin/python");
    if !python.exists() {
        Rig::output(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", FASTMCP];
        Rig::output(Command::new(&python).args(pip))?;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        ours.push(Session::start(&mut rig.brickyard(&["mcp"]))?.1);
        theirs.push(Session::start(Command::new(&python).args(["-c", SERVER]))?.1);
    }
    let our_calls = Session::start(&mut rig.brickyard(&["mcp"]))?.0.calls()?;
    let their_calls = Session::start(Command::new(&python).args(["-c", SERVER]))?.0.calls()?;
    Ok(vec![
        Measured {
            what: "MCP: start to `tools/list`".to_owned(),
            unit: "ms",
            ours: median(ours),
            peer: Some(("FastMCP", median(theirs))),
            aim: Aim::AtMost(50.0),
        },
        Measured {
            what: "MCP: one call of a tool, p50".to_owned(),
            unit: "ms",
            ours: our_calls,
            peer: Some(("FastMCP", their_calls)),
            aim: Aim::AtMost(0.3),
        },
    ])
}

/// A server on pipes, spoken to without a client library between: what is measured is the server.
struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last: u64,
}

impl Session {
    /// Starts a server and asks for its tools; milliseconds it took.
    fn start(command: &mut Command) -> Result<(Self, f64), String> {
        let start = Instant::now();
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = piped.spawn().map_err(|error| format!("cannot start an MCP server: {error}"))?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut session = Self { child, input, output, last: 0 };
        session.ask(
            "initialize",
            &json!({
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "bench", "version": "1" },
            }),
        )?;
        session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        let tools = session.ask("tools/list", &json!({}))?;
        let took = start.elapsed().as_secs_f64() * 1e3;
        if tools["tools"].as_array().is_none_or(Vec::is_empty) {
            return Err(format!("the server has no tools: {tools}"));
        }
        Ok((session, took))
    }

    /// The middle of many calls, in milliseconds.
    fn calls(&mut self) -> Result<f64, String> {
        let call = json!({ "name": "explain_rule", "arguments": { "code": "BY201" } });
        let mut took = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let start = Instant::now();
            let answer = self.ask("tools/call", &call)?;
            took.push(start.elapsed().as_secs_f64() * 1e3);
            if answer["isError"] == true {
                return Err(format!("the call was refused: {answer}"));
            }
        }
        Ok(median(took))
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
        self.last += 1;
        let id = self.last;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters }))?;
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.output.read_line(&mut line).map_err(|error| format!("no answer: {error}"))?;
            if read == 0 {
                return Err(format!("the server ended at `{method}`"));
            }
            let answer: Value = serde_json::from_str(&line).map_err(|error| format!("no JSON: {error}"))?;
            if answer["id"] == id {
                return Ok(answer["result"].clone());
            }
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        writeln!(self.input, "{message}")
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("the server takes nothing: {error}"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
