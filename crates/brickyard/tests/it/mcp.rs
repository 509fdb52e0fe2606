use std::process::Command;

use brickyard_testing::python_environment;

use super::harness::{Home, text};
use super::run::ECHO;

/// An agent's day, told by the official Python client.
const AGENT: &str = r#"
import asyncio, json, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

binary, folder, *arguments = sys.argv[1:]

async def main():
    parameters = StdioServerParameters(command=binary, args=["mcp", *arguments], env=dict(__import__("os").environ))
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        start = await session.initialize()
        assert start.server_info.name == "brickyard", start
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert {"manage_app", "manage_workspace_files", "check_app", "deploy_app", "execute_sql"} <= set(tools), tools
        assert tools["manage_app"].annotations.destructive_hint and tools["check_app"].annotations.read_only_hint

        async def call(tool, **arguments):
            result = await session.call_tool(tool, arguments)
            return result.is_error, json.loads(result.content[0].text)

        error, checked = await call("check_app", path=folder)
        assert not error and checked["files"] >= 1, checked
        error, plan = await call("deploy_app", path=folder, dry_run=True)
        assert not error and plan["plan"]["creates"] and "app.py" in plan["plan"]["added"], plan
        error, deployed = await call("deploy_app", path=folder)
        assert not error and deployed["app"]["app_status"] == "RUNNING", deployed
        error, app = await call("manage_app", action="get", name="agent", include_logs=True)
        assert not error and app["status"] == "ComputeState.ACTIVE" and "Starting app with command" in app["logs"], app
        error, made = await call("manage_app", action="create_or_update", name="second", description="mine")
        assert not error and made["created"] and made["description"] == "mine", made
        error, found = await call("manage_app", action="list", name_contains="seco")
        assert [app["name"] for app in found["apps"]] == ["second"], found
        error, sent = await call("manage_workspace_files", action="upload", local_path=folder, workspace_path="/Shared/agent")
        assert not error and sent["success"] and sent["failed"] == 0 and sent["total_files"] >= 1, sent
        error, gone = await call("manage_workspace_files", action="delete", workspace_path="/Shared/agent", recursive=True)
        assert gone["success"], gone
        error, refused = await call("manage_app", action="get", name="nowhere")
        assert error and "not found" in refused["error"], refused
        error, refused = await call("manage_app", action="dance")
        assert error and "Unknown action" in refused["error"], refused
        error, deleted = await call("manage_app", action="delete", name="second")
        assert deleted["status"] == "deleted", deleted

asyncio.run(main())
print("done")
"#;

#[test]
fn an_agent_checks_deploys_and_deletes() {
    let home = Home::new();
    let state = home.service();
    home.stdout(&["up", "--state-directory", state.to_str().unwrap()]);
    let folder = home
        .app("agent", &[("app.py", ECHO), ("app.yaml", "command: [python, app.py]\n"), ("agent.py", AGENT)]);
    let environment = python_environment(&["mcp==2.3.0"]);
    let output = Command::new(environment.python())
        .arg(folder.join("agent.py"))
        .args([
            env!("CARGO_BIN_EXE_brickyard"),
            folder.to_str().unwrap(),
            "--state-directory",
            state.to_str().unwrap(),
        ])
        .env("HOME", home.path())
        .env("BRICKYARD_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), "done");
}

/// The same server over HTTP: pages and prompts, and a new app.
const VISITOR: &str = r#"
import asyncio, json, pathlib, sys
import httpx2 as httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

url, token, folder = sys.argv[1:]

async def main():
    async with httpx.AsyncClient() as bare:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            refused = await bare.post(url, json={}, headers=headers)
            assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer", refused
        foreign = await bare.post(url, json={}, headers={"Authorization": f"Bearer {token}", "Host": "evil.example.com"})
        assert foreign.status_code in (400, 403), foreign
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        async with streamable_http_client(url, http_client=client) as (read, write, *_), ClientSession(read, write) as session:
            await session.initialize()
            pages = {str(page.uri) for page in (await session.list_resources()).resources}
            assert {"brickyard://rules", "brickyard://environment", "brickyard://choices"} <= pages, pages
            for page in sorted(pages)[:6]:
                assert (await session.read_resource(page)).contents[0].text.strip(), page
            prompts = [prompt.name for prompt in (await session.list_prompts()).prompts]
            assert prompts == ["create-app", "repair-app"], prompts
            prompt = await session.get_prompt("create-app", {"purpose": "count bricks", "directory": folder})
            assert "count bricks" in prompt.messages[0].content.text
            made = await session.call_tool("create_app", {"name": "bricks", "directory": folder, "framework": "flask"})
            assert not made.is_error and (pathlib.Path(folder) / "app.yaml").exists(), made
            again = await session.call_tool("create_app", {"name": "bricks", "directory": folder})
            assert again.is_error, again
            found = json.loads((await session.call_tool("list_resources", {})).content[0].text)
            assert found["sql_warehouses"] and "samples" in [catalog["name"] for catalog in found["catalogs"]], found

asyncio.run(main())
print("done")
"#;

#[test]
fn agents_come_over_http_with_a_token() {
    let home = Home::new();
    let state = home.service();
    let state = state.to_str().unwrap();
    home.stdout(&["up", "--state-directory", state]);
    let mut server = home.brickyard(&["mcp", "--http", "0", "--state-directory", state]).spawn().unwrap();
    let note = std::path::Path::new(state).join("mcp.json");
    super::harness::wait_for("mcp.json", || note.exists());
    let said: serde_json::Value = serde_json::from_slice(&std::fs::read(&note).unwrap()).unwrap();
    let folder = home.path().join("bricks");
    let environment = python_environment(&["mcp==2.3.0"]);
    let output = Command::new(environment.python())
        .args(["-c", VISITOR, said["url"].as_str().unwrap(), said["token"].as_str().unwrap()])
        .arg(&folder)
        .env("HOME", home.path())
        .output()
        .unwrap();
    let pid = nix::unistd::Pid::from_raw(server.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert!(server.wait().unwrap().success());
    assert!(!note.exists(), "the token goes with the server");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), "done");
}

#[test]
fn doctor_and_logs_tell_what_is_there() {
    let home = Home::new();
    let found = home.json(&["doctor"]);
    let found = found.as_array().unwrap();
    assert!(found.iter().any(|row| row["what"] == "Python 3.11" && row["level"] == "fine"), "{found:?}");
    assert!(found.iter().any(|row| row["what"] == "local workspace" && row["level"] == "note"), "{found:?}");
    let nothing = home.output(&["logs", "nowhere"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("hint: `brickyard list`"), "{}", text(&nothing.stderr));
}
