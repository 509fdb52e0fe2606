//! The MCP server as the official TypeScript client and the Inspector's command line see it.

use std::path::Path;
use std::process::{Command, Output};

use brickyard_testing::{NodeEnvironment, node_environment, python_environment};
use serde_json::Value;

use super::harness::{Home, text, wait_for};

const QUICK: &str = r#"
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("ASKED", self.path, flush=True)
        body = b"<title>quick</title><h1>the quick brown fox</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

const SLOW: &str = r#"
import http.server, os, pathlib, time
pathlib.Path("started").write_text(str(os.getpid()))
while not pathlib.Path("SIGNAL").exists():
    time.sleep(0.05)
http.server.HTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"#;

const COMMAND: &str = "command: [python, app.py]\n";

fn node() -> NodeEnvironment {
    node_environment(&["@modelcontextprotocol/sdk@1.32.2", "@modelcontextprotocol/inspector@2.12.0"])
}

fn folders(home: &Home) {
    home.app("quick", &[("app.py", QUICK), ("app.yaml", COMMAND)]);
    let slow = SLOW.replace("SIGNAL", home.path().join("go").to_str().unwrap());
    home.app("slow", &[("app.py", &slow), ("app.yaml", COMMAND)]);
}

/// Runs a program of Node in an empty home.
fn run(node: &NodeEnvironment, home: &Home, arguments: &[&str]) -> Output {
    let own = home.brickyard(&[]);
    let mut command = Command::new(node.programs().join("node"));
    command.args(arguments).current_dir(home.path()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.output().unwrap()
}

fn judge(node: &NodeEnvironment, home: &Home, arguments: &[&str]) {
    // Packages are found from where the script lies.
    let script = node.root().join(format!("agent-{}-{}.mjs", std::process::id(), arguments[0]));
    std::fs::write(&script, include_str!("agent.mjs")).unwrap();
    let output = run(node, home, &[&[script.to_str().unwrap()], arguments].concat());
    std::fs::remove_file(script).unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), "done");
}

/// What the Inspector prints for a method.
fn inspect(node: &NodeEnvironment, home: &Home, server: &[&str], method: &[&str]) -> Value {
    let program = node.root().join("node_modules/.bin/mcp-inspector");
    let output = run(node, home, &[&[program.to_str().unwrap(), "--cli"], server, method].concat());
    assert!(output.status.success(), "{method:?}: {}{}", text(&output.stdout), text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

/// The Inspector lists everything, checks an app and reads a rule.
fn inspected(node: &NodeEnvironment, home: &Home, server: &[&str]) {
    let tools = inspect(node, home, server, &["--method", "tools/list"]);
    let names: Vec<&str> =
        tools["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    for tool in ["manage_app", "run_app", "read_app_log", "stop_app", "query_lakebase", "deploy_app"] {
        assert!(names.contains(&tool), "{tool}: {names:?}");
    }
    let path = format!("path={}", home.path().join("quick").display());
    let call = ["--method", "tools/call", "--tool-name", "check_app", "--tool-arg", &path];
    let checked = inspect(node, home, server, &call);
    assert_eq!(checked["structuredContent"]["findings"], serde_json::json!([]), "{checked}");
    let resources = inspect(node, home, server, &["--method", "resources/list"]);
    assert!(resources["resources"].as_array().unwrap().len() > 10, "{resources}");
    let prompts = inspect(node, home, server, &["--method", "prompts/list"]);
    assert_eq!(prompts["prompts"][0]["name"], "create-app", "{prompts}");
}

#[test]
fn the_typescript_client_and_the_inspector_over_standard_input() {
    let (home, node) = (Home::new(), node());
    folders(&home);
    let state = home.service();
    let state = state.to_str().unwrap();
    home.stdout(&["up", "--state-directory", state]);
    let binary = env!("CARGO_BIN_EXE_brickyard");
    judge(&node, &home, &["stdio", binary, home.path().to_str().unwrap(), "--state-directory", state]);
    inspected(&node, &home, &[binary, "mcp", "--state-directory", state]);
}

#[test]
fn the_typescript_client_and_the_inspector_over_http() {
    let (home, node) = (Home::new(), node());
    folders(&home);
    let state = home.service();
    let state = state.to_str().unwrap();
    home.stdout(&["up", "--state-directory", state]);
    let mut server = home.brickyard(&["mcp", "--http", "0", "--state-directory", state]).spawn().unwrap();
    let note = Path::new(state).join("mcp.json");
    wait_for("mcp.json", || note.exists());
    let said: Value = serde_json::from_slice(&std::fs::read(&note).unwrap()).unwrap();
    let (url, token) = (said["url"].as_str().unwrap(), said["token"].as_str().unwrap());
    judge(&node, &home, &["http", url, home.path().to_str().unwrap(), token]);
    let header = format!("Authorization: Bearer {token}");
    inspected(&node, &home, &[url, "--transport", "http", "--header", &header]);
    // An app that still runs ends with the server.
    let path = format!("path={}", home.path().join("quick").display());
    let call = ["--method", "tools/call", "--tool-name", "run_app", "--tool-arg", &path];
    let running = inspect(&node, &home, &[url, "--transport", "http", "--header", &header], &call);
    let address = running["structuredContent"]["url"].as_str().unwrap().trim_start_matches("http://");
    let address = address.trim_end_matches('/').to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok(), "{running}");
    let pid = nix::unistd::Pid::from_raw(server.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert!(server.wait().unwrap().success());
    assert!(std::net::TcpStream::connect(&address).is_err());
}

/// The database of an app that runs, by the official Python client.
const DATABASE: &str = r#"
import asyncio, json, os, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

binary, folder = sys.argv[1:]

async def main():
    parameters = StdioServerParameters(command=binary, args=["mcp"], env=dict(os.environ))
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        async def call(tool, **arguments):
            result = await session.call_tool(tool, arguments)
            return result.is_error, json.loads(result.content[0].text)
        error, refused = await call("query_lakebase", path=folder, statement="SELECT 1")
        assert error and "run_app" in refused["hint"], refused
        error, running = await call("run_app", path=folder)
        assert not error, running
        error, made = await call("query_lakebase", path=folder, statement="CREATE TABLE brick (id int, name text)")
        assert not error and made["status"] == "CREATE TABLE", made
        error, _ = await call("query_lakebase", path=folder, statement="INSERT INTO brick VALUES (1, 'anchor'), (2, NULL)")
        error, rows = await call("query_lakebase", path=folder, statement="SELECT id, name FROM brick ORDER BY id")
        assert rows["columns"] == ["id", "name"] and rows["rows"] == [["1", "anchor"], ["2", None]], rows
        error, refused = await call("query_lakebase", path=folder, statement="SELECT * FROM nowhere")
        assert error and "42P01" in refused["error"], refused
        error, refused = await call("query_lakebase", path=folder, database="nowhere", statement="SELECT 1")
        assert error, refused

asyncio.run(main())
print("done")
"#;

#[test]
fn an_agent_asks_the_database_of_an_app() {
    let home = Home::new();
    let toml = "[resources.database]\ntype = \"database\"\ninstance-name = \"wall\"\n";
    let yaml = "command: [python, app.py]\nenv:\n  - name: DATABASE\n    valueFrom: database\n";
    let folder = home.app("wall", &[("app.py", QUICK), ("app.yaml", yaml), ("brickyard.toml", toml)]);
    let environment = python_environment(&["mcp==2.3.0"]);
    let mut command = Command::new(environment.python());
    let own = home.brickyard(&[]);
    command.args(["-c", DATABASE, env!("CARGO_BIN_EXE_brickyard"), folder.to_str().unwrap()]);
    command.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), "done");
}
