use std::process::Command;

use brickyard_testing::python_environment;

use super::harness::{Home, text};
use super::run::ECHO;

/// An agent's day, told by the official Python client.
const AGENT: &str = r#"
import asyncio, json, os, pathlib, subprocess, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

binary, folder, *arguments = sys.argv[1:]

async def files(call, folder):
    """Uploads as the contract has them: files, folders as `cp -r`, patterns, the home as `~`."""
    async def upload(local, remote, **more):
        error, sent = await call("manage_workspace_files", action="upload", local_path=local, workspace_path=remote, **more)
        assert not error and set(sent) == {"local_folder", "remote_folder", "total_files", "successful", "failed", "success", "failed_uploads"}, sent
        return sent
    def good(sent, remote, total):
        assert (sent["remote_folder"], sent["total_files"], sent["successful"], sent["success"]) == (remote, total, total, True), sent
    # A folder keeps its name, also where the target has it already; with a slash at its end only its content goes.
    good(await upload(folder, "/Shared/box", max_workers=2), "/Shared/box/agent", 3)
    good(await upload(folder, "/Shared/agent"), "/Shared/agent", 3)
    good(await upload(folder + "/", "/Shared/content/"), "/Shared/content", 3)
    # A file goes to the path that is given, or into the folder that is there.
    good(await upload(folder + "/app.py", "/Shared/one/main.py"), "/Shared/one/main.py", 1)
    good(await upload(folder + "/app.py", "/Shared/one"), "/Shared/one", 1)
    for there in ("/Shared/one/main.py", "/Shared/one/app.py", "/Shared/box/agent/app.yaml", "/Shared/content/app.yaml"):
        again = await upload(folder + "/app.py", there, overwrite=False)
        assert not again["success"] and "already exists" in again["failed_uploads"][0]["error"], (there, again)
    # Patterns; two files never fight for one place.
    good(await upload(folder + "/*.py", "/Shared/glob"), "/Shared/glob", 2)
    home = pathlib.Path(os.environ["HOME"])
    for name in ("a/same.txt", "b/same.txt"):
        (home / "twins" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "twins" / name).write_text(name)
    good(await upload("~/twins", "/Shared/home"), "/Shared/home/twins", 2)
    twins = await upload("~/twins/**/*.txt", "/Shared/flat")
    assert (twins["successful"], twins["failed"]) == (1, 1) and "is the place of" in twins["failed_uploads"][0]["error"], twins
    for nothing in (folder + "/*.none", folder + "/none"):
        sent = await upload(nothing, "/Shared/x")
        assert (sent["total_files"], sent["failed"], sent["success"]) == (1, 1, False), sent
    # What is everybody's is not deleted, and what is refused is told.
    for kept in ("/Shared", "/Workspace/Users/somebody@example.com"):
        error, gone = await call("manage_workspace_files", action="delete", workspace_path=kept, recursive=True)
        assert not gone["success"] and "protected" in gone["error"], gone
    error, gone = await call("manage_workspace_files", action="delete", workspace_path="/Shared/box")
    assert not gone["success"] and "not empty" in gone["error"], gone

async def main():
    parameters = StdioServerParameters(command=binary, args=["mcp", *arguments], env=dict(os.environ))
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
        await files(call, folder)
        # A deployment of a stopped app starts it; modes and actions are taken in either case.
        for _ in range(2):
            error, live = await call("manage_app", action="Create_Or_Update", name="second", source_code_path="/Workspace/Shared/agent", mode="snapshot")
            assert not error and not live["created"] and live["deployment"]["state"] == "SUCCEEDED", live
            subprocess.run([binary, "stop", "second", *arguments], check=True, stdout=subprocess.DEVNULL)
        error, found = await call("manage_app", action="list", name_contains="SECO")
        assert [app["name"] for app in found["apps"]] == ["second"], found
        error, sent = await call("manage_workspace_files", action="upload", local_path=folder + "/app.yaml", workspace_path="/Shared/empty/notes.txt")
        assert not error and sent["success"], sent
        error, failed = await call("manage_app", action="create_or_update", name="second", source_code_path="/Workspace/Shared/none")
        assert not error and "deployment_error" in failed, failed
        # Where no version ever served, the log of the one that failed is what tells why.
        error, made = await call("manage_app", action="create_or_update", name="never", source_code_path="/Workspace/Shared/empty")
        assert not error and made["deployment"]["state"] == "FAILED", made
        error, never = await call("manage_app", action="get", name="never", include_logs=True)
        assert "holds no app" in never.get("logs", "") and never["logs_deployment_id"], never
        error, gone = await call("manage_workspace_files", action="delete", workspace_path="/Shared/agent", recursive=True)
        assert gone["success"], gone
        error, refused = await call("manage_app", action="get", name="nowhere")
        assert error and "not found" in refused["error"], refused
        error, refused = await call("manage_app", action="dance")
        assert error and "Unknown action" in refused["error"], refused
        # Agents write numbers and answers as text; what a tool does not know is not passed over in silence.
        error, app = await call("manage_app", action="get", name="agent", include_logs="true", description=None)
        assert not error and app["logs"], app
        error, sent = await call("manage_workspace_files", action="upload", local_path=folder + "/app.py", workspace_path="/Shared/agent.py", max_workers="2", overwrite="False")
        assert not error and sent["success"], sent
        error, sent = await call("manage_workspace_files", action="upload", local_path=folder + "/app.py", workspace_path="/Shared/agent.py", overwrite="False")
        assert not error and not sent["success"], sent
        for given, word in (
            ({"action": "upload", "local_path": folder, "workspace_path": "/Shared/x", "over_write": False}, "`over_write`"),
            ({"action": "upload", "local_path": folder, "workspace_path": "/Shared/x", "overwrite": "perhaps"}, "`overwrite`"),
            ({"action": "upload", "local_path": folder, "workspace_path": "/Shared/x", "max_workers": 0}, "`max_workers`"),
            ({"action": "upload", "local_path": folder, "workspace_path": 7}, "`workspace_path`"),
            ({"action": "upload", "workspace_path": "/Shared/x"}, "`local_path`"),
        ):
            error, refused = await call("manage_workspace_files", **given)
            assert error and word in refused["error"], (given, refused)
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
        # A page of a browser says where it is from; one from elsewhere does not get in even with the token.
        start = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "page", "version": "1"}}}
        for origin, status in (("https://evil.example.com", 403), ("null", 403), ("http://127.0.0.1:6274", 200), ("http://localhost:6274", 200)):
            headers = {"Authorization": f"bearer {token}", "Origin": origin, "Accept": "application/json, text/event-stream"}
            async with bare.stream("POST", url, json=start, headers=headers) as page:
                assert page.status_code == status, (origin, page)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        async with streamable_http_client(url, http_client=client) as (read, write, *_), ClientSession(read, write) as session:
            await session.initialize()
            pages = {str(page.uri) for page in (await session.list_resources()).resources}
            assert {"brickyard://rules", "brickyard://environment", "brickyard://choices", "brickyard://platform"} <= pages, pages
            facts = (await session.read_resource("brickyard://platform")).contents[0].text
            assert all(word in facts for word in ("DATABRICKS_APP_PORT", "Streamlit", "X-Forwarded-Access-Token", "10 MB")), facts
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
