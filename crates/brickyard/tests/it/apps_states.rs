//! The states of apps, as the official SDK sees a real process walk through them.

use super::harness::Service;

const STATES: &str = r#"
import time
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.apps import *
from databricks.sdk.service.workspace import ImportFormat

SITE = b'''
import http.server, os, signal, sys, time, threading
gate = os.environ.get("GATE")
while gate and not os.path.exists(gate):
    time.sleep(0.05)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if self.path == "/sick" else 200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *args): pass
def die():
    while not os.path.exists(os.environ["DIES"]):
        time.sleep(0.05)
    os._exit(3)
if "DIES" in os.environ:
    threading.Thread(target=die, daemon=True).start()
def slowly(*_):
    while not os.path.exists(os.environ["ENDS"]):
        time.sleep(0.05)
    os._exit(0)
if "ENDS" in os.environ:
    signal.signal(signal.SIGTERM, slowly)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
'''

import pathlib, sys
w = WorkspaceClient()
place = pathlib.Path(sys.argv[1])
folder = "/Workspace/Shared/states"
w.workspace.mkdirs(folder)
w.workspace.upload(f"{folder}/app.py", SITE, format=ImportFormat.AUTO, overwrite=True)

seen = []
def look():
    app = w.apps.get("states")
    row = (app.compute_status.state.value, app.app_status.state.value)
    if not seen or seen[-1] != row:
        seen.append(row)
    return app
def until(compute, state):
    while (look().compute_status.state.value, look().app_status.state.value) != (compute, state):
        time.sleep(0.02)
def walked(*rows):
    assert seen == list(rows), seen
    del seen[:-1]
def deploy(**variables):
    request = AppDeployment(source_code_path=folder, env_vars=[EnvVar(name=name, value=str(place / value)) for name, value in variables.items()])
    return w.apps.deploy("states", request).response.deployment_id
def outcome(id):
    while (status := w.apps.get_deployment("states", id).status).state.value == "IN_PROGRESS":
        time.sleep(0.05)
    return status.state.value

made = w.apps.create(App(name="states")).response
assert (made.compute_status.state.value, made.compute_status.active_instances) == ("STARTING", 0), made
while look().compute_status.state.value == "STARTING":
    time.sleep(0.02)
until("ACTIVE", "UNAVAILABLE")
del seen[:-1]

# A version that does not get well is not there, and says so.
w.apps.create_and_wait(App(name="sick"))
id = w.api_client.do("POST", "/api/2.0/apps/sick/deployments", body={"source_code_path": folder, "health_check": {"path": "/sick", "timeout": "1s"}})["deployment_id"]
while (ill := w.apps.get_deployment("sick", id)).status.state.value == "IN_PROGRESS":
    time.sleep(0.05)
status = w.apps.get("sick").app_status
assert ill.status.state.value == "FAILED" and "/sick answers 500" in ill.status.message, ill
assert status.state.value == "CRASHED" and "/logz" in status.message, status

# A first version: from the moment it is asked for until it serves the app is being deployed, and nothing else.
id = deploy(GATE="first")
until("ACTIVE", "DEPLOYING")
app = look()
assert app.pending_deployment.deployment_id == id and app.pending_deployment.status.state.value == "IN_PROGRESS" and app.active_deployment is None, app
(place / "first").touch()
until("ACTIVE", "RUNNING")
walked(("ACTIVE", "UNAVAILABLE"), ("ACTIVE", "DEPLOYING"), ("ACTIVE", "RUNNING"))
assert outcome(id) == "SUCCEEDED"

# A version that is stopped on its way is cancelled; the machine stops once the process has ended.
second = deploy(GATE="never")
while w.apps.get("states").pending_deployment is None:
    time.sleep(0.02)
w.apps.stop("states")
assert outcome(second) == "CANCELLED"
until("STOPPED", "UNAVAILABLE")
assert look().active_deployment is None and look().pending_deployment is None
del seen[:-1]
w.apps.start("states")
until("ACTIVE", "RUNNING")
assert [row for row in seen if row[0] == "ACTIVE"] == [("ACTIVE", "DEPLOYING"), ("ACTIVE", "RUNNING")], seen
assert look().active_deployment.deployment_id == id, "what served last serves again"

# It is resized while it serves.
del seen[:-1]
update = w.apps.create_update("states", "compute_size", app=App(name="states", compute_size=ComputeSize.LARGE))
assert update.response.status.state.value == "IN_PROGRESS", update.response
until("UPDATING", "RUNNING")
until("ACTIVE", "RUNNING")
walked(("ACTIVE", "RUNNING"), ("UPDATING", "RUNNING"), ("ACTIVE", "RUNNING"))
assert update.result().status.state.value == "SUCCEEDED" and w.apps.get("states").compute_size.value == "LARGE"

# It dies by itself, and is deployed again.
outcome(deploy(DIES="dies"))
(place / "dies").touch()
until("ACTIVE", "CRASHED")
app = look()
assert "/logz" in app.app_status.message and app.app_status.running_instances == 0, app.app_status
(place / "dies").unlink()
assert outcome(deploy(ENDS="ends")) == "SUCCEEDED"
until("ACTIVE", "RUNNING")

# While its process takes its time to end, the machine is stopping.
del seen[:-1]
w.apps.stop("states")
until("STOPPING", "UNAVAILABLE")
(place / "ends").touch()
until("STOPPED", "UNAVAILABLE")
walked(("ACTIVE", "RUNNING"), ("STOPPING", "UNAVAILABLE"), ("STOPPED", "UNAVAILABLE"))

# What an app is bound to must be there.
for resource in (
    AppResource(name="k", sql_warehouse=AppResourceSqlWarehouse(id="none", permission=AppResourceSqlWarehouseSqlWarehousePermission.CAN_USE)),
    AppResource(name="k", secret=AppResourceSecret(scope="none", key="none", permission=AppResourceSecretSecretPermission.READ)),
    AppResource(name="k", serving_endpoint=AppResourceServingEndpoint(name="none", permission=AppResourceServingEndpointServingEndpointPermission.CAN_QUERY)),
    AppResource(name="k", job=AppResourceJob(id="7", permission=AppResourceJobJobPermission.CAN_VIEW)),
    AppResource(name="k", job=AppResourceJob(id="none", permission=AppResourceJobJobPermission.CAN_VIEW)),
    AppResource(name="k", experiment=AppResourceExperiment(experiment_id="7", permission=AppResourceExperimentExperimentPermission.CAN_READ)),
    AppResource(name="k", genie_space=AppResourceGenieSpace(name="s", space_id="none", permission=AppResourceGenieSpaceGenieSpacePermission.CAN_RUN)),
    AppResource(name="k", app=AppResourceApp(name="none", permission=AppResourceAppAppPermission.CAN_USE)),
):
    try:
        w.apps.update("states", App(name="states", resources=[resource]))
        raise SystemExit(f"{resource} is not there")
    except NotFound:
        pass

w.apps.delete("states")
assert look().compute_status.state.value == "DELETING"
print("done")
"#;

#[test]
fn every_state_is_that_of_a_real_process() {
    let service = Service::up();
    service.python(STATES, &[service.home.path().to_str().unwrap()]);
}

/// Puts two spaces into the middle of a change, as a process that is killed leaves them.
const MIDDLE: &str = r#"
import json, sqlite3, sys
store = sqlite3.connect(sys.argv[1])
for name, last, state in (("making", "create", "SPACE_CREATING"), ("leaving", "delete", "SPACE_DELETING")):
    (text,) = store.execute("SELECT json FROM document WHERE kind = 'app_space' AND key = ?", (name,)).fetchone()
    record = json.loads(text)
    record["last"], record["space"]["status"]["state"] = last, state
    store.execute("UPDATE document SET json = ? WHERE kind = 'app_space' AND key = ?", (json.dumps(record), name))
store.commit()
"#;

#[test]
fn a_change_of_a_space_is_ended_after_the_workspace_was_killed() {
    let service = Service::up();
    for name in ["making", "leaving"] {
        let (status, made) = service.rest("POST", "/api/2.0/app-spaces", &format!(r#"{{"name": "{name}"}}"#));
        assert_eq!(status, 200, "{made}");
    }
    service.run(&["down"]);
    let output = std::process::Command::new(
        brickyard_testing::python_environment(&["databricks-sdk==0.156.0"]).python(),
    )
    .args(["-c", MIDDLE])
    .arg(service.home.service().join("state.sqlite"))
    .output()
    .unwrap();
    assert!(output.status.success(), "{}", super::harness::text(&output.stderr));
    service.run(&["up"]);
    assert_eq!(service.rest("GET", "/api/2.0/app-spaces/making", "").1["status"]["state"], "SPACE_ACTIVE");
    assert_eq!(service.rest("GET", "/api/2.0/app-spaces/leaving", "").0, 404);
}
