use super::harness::Service;

/// Drives what an app has beside its process with nothing but the official SDK.
const MORE: &str = r#"
import base64, concurrent.futures, time
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.service.apps import *

w = WorkspaceClient()

def refused(kind, call):
    try:
        call()
    except kind as error:
        return str(error)
    raise SystemExit("it should have been refused")

# States of the machine, walked by the real thing.
wait = w.apps.create(App(name="more", description="d", budget_policy_id="b1"))
assert wait.response.compute_status.state.value in ("STARTING", "ACTIVE"), wait.response
app = wait.result()
assert app.effective_budget_policy_id == "b1" and app.forward_user_access_token is True, app
assert app.compute_size.value == "MEDIUM", app
assert w.apps.stop("more").result().compute_status.state.value == "STOPPED"
assert "not active" in refused(BadRequest, lambda: w.apps.deploy("more", AppDeployment(source_code_path="/Workspace/Users"))) 
w.apps.start("more").result()
quiet = w.apps._api.do("POST", "/api/2.0/apps", query={"no_compute": True}, body={"name": "quiet"})
assert quiet["compute_status"]["state"] == "STOPPED" and quiet["app_status"]["state"] == "UNAVAILABLE", quiet

# A change in the background, by mask.
assert w.apps.get_update("more").status.state.value == "NOT_UPDATED"
done = w.apps.create_update_and_wait("more", "description,compute_size", app=App(name="more", description="new", compute_size=ComputeSize.LARGE))
assert done.status.state.value == "SUCCEEDED" and done.description == "new", done
assert w.apps.get("more").compute_size.value == "LARGE"
assert w.apps.get("more").budget_policy_id == "b1", "what the mask does not name stays"
assert "cannot be updated" in refused(BadRequest, lambda: w.apps.create_update("more", "url", app=App(name="more")))
assert "HUGE" in refused(BadRequest, lambda: w.apps._api.do("PATCH", "/api/2.0/apps/more", body={"compute_size": "HUGE"}))

# Pages.
first = w.api_client.do("GET", "/api/2.0/apps", query={"page_size": 1})
assert [a["name"] for a in first["apps"]] == ["more"] and first["next_page_token"], first
assert [a.name for a in w.apps.list(page_size=1)] == ["more", "quiet"]

# Permissions.
levels = w.apps.get_permission_levels("more").permission_levels
assert {l.permission_level.value for l in levels} == {"CAN_USE", "CAN_MANAGE"}, levels
w.apps.update_permissions("more", access_control_list=[AppAccessControlRequest(group_name="users", permission_level=AppPermissionLevel.CAN_USE)])
held = w.apps.get_permissions("more").access_control_list
assert any(entry.group_name == "users" for entry in held), held
w.apps.set_permissions("more", access_control_list=[])
held = w.apps.get_permissions("more").access_control_list or []
assert not any(entry.group_name == "users" for entry in held), held

# Pictures.
png = base64.b64encode(b"\x89PNG\r\n\x1a\n123").decode()
assert w.apps.update_app_thumbnail("more", app_thumbnail=AppThumbnail(thumbnail=png)).thumbnail == png
url = w.apps.get("more").thumbnail_url
assert url.endswith("/thumbnail")
import requests
shown = requests.get(w.config.host + url[url.index("/api/"):], headers=w.config.authenticate())
assert shown.content == base64.b64decode(png) and shown.headers["content-type"] == "image/png", shown
refused(BadRequest, lambda: w.apps.update_app_thumbnail("more", app_thumbnail=AppThumbnail(thumbnail="bm8=")))
w.apps.delete_app_thumbnail("more")
assert w.apps.get("more").thumbnail_url is None
refused(NotFound, lambda: w.apps.delete_app_thumbnail("more"))

# Templates.
s = w.apps_settings
manifest = AppManifest(version=1, name="t", resource_specs=[AppManifestAppResourceSpec(name="sql-warehouse", sql_warehouse_spec=AppManifestAppResourceSqlWarehouseSpec(permission=AppManifestAppResourceSqlWarehouseSpecSqlWarehousePermission.CAN_USE))])
template = CustomTemplate(name="t1", git_repo="https://github.example/a/b", path="apps/x", manifest=manifest, git_provider="gitHub", description="one")
made = s.create_custom_template(template)
assert made.creator and made.manifest.resource_specs[0].sql_warehouse_spec.permission.value == "CAN_USE", made
refused(ResourceAlreadyExists, lambda: s.create_custom_template(template))
template.description = "two"
assert s.update_custom_template("t1", template).description == "two"
assert [t.name for t in s.list_custom_templates()] == ["t1"]
assert s.get_custom_template("t1").description == "two"
template.git_provider = "svn"
refused(BadRequest, lambda: s.update_custom_template("t1", template))
s.delete_custom_template("t1")
refused(NotFound, lambda: s.get_custom_template("t1"))

# Spaces.
space = w.apps.create_space(Space(name="team", description="ours")).wait()
assert space.status.state.value == "SPACE_ACTIVE" and space.service_principal_client_id, space
assert space.effective_user_api_scopes, space
changed = w.apps.update_space("team", Space(name="team", description="theirs", user_api_scopes=["sql"]), FieldMask(["description", "user_api_scopes"])).wait()
assert changed.description == "theirs" and w.apps.get_space("team").effective_user_api_scopes == ["sql"], changed
w.apps.create_and_wait(App(name="inside", space="team"))
assert [a.name for a in w.apps.list(space="team")] == ["inside"]
refused(NotFound, lambda: w.apps.create(App(name="nowhere", space="none")))
assert "still holds" in refused(BadRequest, lambda: w.apps.delete_space("team"))
w.apps.delete("inside")
while True:
    try:
        w.apps.get("inside"); time.sleep(0.1)
    except NotFound:
        break
w.apps.delete_space("team").wait()
assert [x.name for x in w.apps.list_spaces()] == []

# Of many who ask for one name at once, one gets it.
def ask(_):
    try:
        w.api_client.do("POST", "/api/2.0/apps", query={"no_compute": True}, body={"name": "wanted"})
        return "made"
    except ResourceAlreadyExists:
        return "there"
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    assert sorted(pool.map(ask, range(16))) == ["made"] + ["there"] * 15
principals = [p for p in w.service_principals.list() if p.display_name.endswith(" wanted")]
assert len(principals) == 1, principals

# At most a hundred apps; the place of one that is gone is free again.
for number in range(97):
    w.api_client.do("POST", "/api/2.0/apps", query={"no_compute": True}, body={"name": f"n{number:02}"})
full = ""
try:
    w.api_client.do("POST", "/api/2.0/apps", query={"no_compute": True}, body={"name": "one-more"})
except Exception as error:
    full = str(error)
assert "100 apps" in full, full
w.apps.delete("wanted")
for tries in range(600):
    try:
        w.api_client.do("POST", "/api/2.0/apps", query={"no_compute": True}, body={"name": "one-more"})
        break
    except Exception as error:
        assert "100 apps" in str(error), error
        time.sleep(0.1)
assert w.apps.get("one-more").name == "one-more"
print("done")
"#;

#[test]
fn the_sdk_knows_pictures_templates_and_spaces() {
    let service = Service::up();
    service.python(MORE, &[]);
}

/// Requests no client should send, and what the official SDK makes of the refusals.
const WRONG: &str = r#"
import time
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service.apps import App, AppDeployment, EnvVar

w = WorkspaceClient()

def refused(method, path, **more):
    try:
        w.api_client.do(method, path, **more)
    except DatabricksError as error:
        assert "unable to parse" not in str(error), error
        return error.error_code, str(error)
    raise SystemExit(f"{method} {path} should have been refused")

for request in (
    ("POST", "/api/2.0/apps", {"body": {"name": 5}}),
    ("GET", "/api/2.0/apps", {"query": {"page_size": -1}}),
    ("GET", "/api/2.0/app-spaces", {"query": {"page_size": "many"}}),
    ("GET", "/api/2.0/workspace/list", {}),
    ("POST", "/api/2.0/workspace/mkdirs", {"body": {"path": []}}),
):
    method, path, more = request
    assert refused(method, path, **more)[0] == "MALFORMED_REQUEST", request
assert refused("POST", "/api/2.0/apps")[0] == "INVALID_PARAMETER_VALUE"
code, message = refused("PUT", "/api/2.0/apps/wrong", body={})
assert code == "NOT_IMPLEMENTED" and "PUT /api/2.0/apps/wrong" in message, (code, message)
code, message = refused("POST", "/api/2.0/app-spaces", body={"name": "No No"})
assert code == "INVALID_PARAMETER_VALUE" and message.startswith("Space name"), message

w.apps.create_and_wait(App(name="wrong"))
folder = "/Workspace/Shared/nothing"
w.workspace.mkdirs(folder)
for variables in ([EnvVar(value="x")], [EnvVar(name="A", value="x", value_from="y")]):
    body = {"source_code_path": folder, "env_vars": [variable.as_dict() for variable in variables]}
    code, message = refused("POST", "/api/2.0/apps/wrong/deployments", body=body)
    assert code == "INVALID_PARAMETER_VALUE", (variables, message)
code, message = refused("POST", "/api/2.0/apps/wrong/update", body={"update_mask": " ,", "app": {"name": "wrong"}})
assert code == "INVALID_PARAMETER_VALUE" and "update_mask" in message, message

# What is wrong with the source is told of the folder that was deployed, not of a copy on this machine.
failed = w.apps.deploy("wrong", AppDeployment(source_code_path=folder)).response
while (failed := w.apps.get_deployment("wrong", failed.deployment_id)).status.state.value == "IN_PROGRESS":
    time.sleep(0.1)
assert failed.status.state.value == "FAILED" and f"`{folder}` holds no app" in failed.status.message, failed
print("done")
"#;

#[test]
fn what_is_wrong_with_a_request_is_told_in_the_platform_s_shape() {
    let service = Service::up();
    service.python(WRONG, &[]);
}
