//! Apps that programs call: an agent and an MCP server, asked by the platform's own clients as another app's principal.

use brickyard_testing::python_environment;

use super::harness::{Service, get};

/// An agent as MLflow serves it.
const AGENT: &str = r#"
import os
import uvicorn
from mlflow.genai.agent_server import AgentServer, get_request_headers, invoke, stream
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent

def said(request):
    return f"{request.input[0].content} {'x-forwarded-user' in get_request_headers()}"

def item(text):
    return {"type": "message", "id": "1", "role": "assistant", "content": [{"type": "output_text", "text": text}]}

@invoke()
def answer(request: ResponsesAgentRequest) -> ResponsesAgentResponse:
    return ResponsesAgentResponse(output=[item(said(request))])

@stream()
def words(request: ResponsesAgentRequest):
    for word in said(request).split():
        yield ResponsesAgentStreamEvent(type="response.output_text.delta", item_id="1", delta=word)
    yield ResponsesAgentStreamEvent(type="response.output_item.done", item=item(said(request)))

uvicorn.run(AgentServer("ResponsesAgent").app, host="0.0.0.0", port=int(os.environ["DATABRICKS_APP_PORT"]))
"#;

/// An MCP server with one tool.
const TOOLS: &str = r#"
import os
from mcp.server.fastmcp import FastMCP
server = FastMCP("tools", host="0.0.0.0", port=int(os.environ["DATABRICKS_APP_PORT"]), stateless_http=True)
@server.tool()
def twice(n: int) -> int:
    return 2 * n
server.run("streamable-http")
"#;

/// An app that asks both when its page is opened, and shows what they answer.
const ASKER: &str = r#"
import http.server, io, os, traceback
from contextlib import redirect_stdout
from databricks.sdk import WorkspaceClient
from databricks_mcp import DatabricksMCPClient
from databricks_openai import DatabricksOpenAI
w = WorkspaceClient()

def ask(path):
    client = DatabricksOpenAI(workspace_client=w)
    words = [{"role": "user", "content": "ahoy"}]
    if path.endswith("/without"):
        try:
            client.responses.create(model="apps/agent", input=words)
        except ValueError as error:
            print(type(error.__cause__).__name__, "CAN_USE" in str(error))
        return
    print(client.responses.create(model="apps/agent", input=words).output_text)
    events = client.responses.create(model="apps/agent", input=words, stream=True)
    print([event.delta for event in events if event.type == "response.output_text.delta"])
    tools = DatabricksMCPClient(server_url=w.apps.get("tools").url + "/mcp", workspace_client=w)
    print([tool.name for tool in tools.list_tools()], tools.call_tool("twice", {"n": 21}).content[0].text)

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = io.StringIO()
        with redirect_stdout(said):
            try:
                ask(self.path)
            except Exception:
                traceback.print_exc(file=said)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(said.getvalue().encode())

http.server.HTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Page).serve_forever()
"#;

/// The clients that apps use, in one environment with what the two apps need.
const CLIENTS: &[&str] = &["databricks-openai==0.18.0", "mlflow==3.17.2", "mcp==1.30.0"];

#[test]
fn an_agent_and_an_mcp_server_answer_the_platforms_clients() {
    let service = Service::up();
    let environment = python_environment(CLIENTS);
    let python = environment.python();
    let app = |name: &str, source: &str| {
        let yaml = format!("command: [{}, app.py]\n", python.display());
        service.home.app(name, &[("app.py", source), ("app.yaml", &yaml)])
    };
    for (name, source) in [("agent", AGENT), ("tools", TOOLS), ("asker", ASKER)] {
        service.run(&["deploy", "--no-check", app(name, source).to_str().unwrap()]);
    }
    let host = service.announced()["http_url"].as_str().unwrap().to_owned();
    service.sign_in(&host, service.announced()["developer"].as_str().unwrap(), &[]);
    let bearer = format!("Bearer {}", service.oauth_token(&host));
    let said = |path: &str| {
        let url = format!("http://127.0.0.1:{}/api/{path}", service.named_port());
        let named = format!("asker.localhost:{}", service.named_port());
        get(&url, &[("Host", &named), ("Authorization", &bearer)]).1
    };
    assert_eq!(said("without"), "PermissionDenied True\n");
    let (_, asker) = service.rest("GET", "/api/2.0/apps/asker", "");
    for name in ["agent", "tools"] {
        let entry = format!(
            r#"{{"access_control_list": [{{"service_principal_name": {}, "permission_level": "CAN_USE"}}]}}"#,
            asker["service_principal_client_id"]
        );
        let (status, said) = service.rest("PATCH", &format!("/api/2.0/permissions/apps/{name}"), &entry);
        assert_eq!(status, 200, "{said}");
    }
    assert_eq!(said("with"), "ahoy True\n['ahoy', 'True']\n['twice'] 42\n");
}
