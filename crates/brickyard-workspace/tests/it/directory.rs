use crate::harness::{ADA, TODAY, environment, start, start_with};

/// The SDK makes, changes and removes users, groups and service principals; only admins may; groups give what they hold.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_changes_the_directory() {
    let running = start().await;
    let variables = running.people_environment();
    let script = r#"
import os
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.service import iam, sql
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
schema = [iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
eve = w.users.create(user_name="eve@example.com", display_name="Eve", entitlements=[iam.ComplexValue(value="workspace-access")])
print(eve.user_name, eve.display_name, [e.value for e in eve.entitlements])
robot = w.service_principals.create(display_name="robot")
print(len(robot.application_id), robot.display_name)
inner = w.groups.create(display_name="inner", members=[iam.ComplexValue(value=eve.id), iam.ComplexValue(value=robot.id)])
outer = w.groups.create(display_name="outer")
w.groups.patch(outer.id, schemas=schema, operations=[iam.Patch(op=iam.PatchOp.ADD, value={"members": [{"value": inner.id}]})])
print(sorted(m.display for m in w.groups.get(inner.id).members), [m.display for m in w.groups.get(outer.id).members])
print(sorted((g.display, g.type) for g in w.users.get(eve.id).groups))
ada_id = next(w.users.list(filter='userName eq "ada@example.com"')).id
warehouse = next(iter(w.warehouses.list())).id
w.warehouses.update_permissions(warehouse, access_control_list=[sql.WarehouseAccessControlRequest(group_name="outer", permission_level=sql.WarehousePermissionLevel.CAN_USE)])
def can_query():
    try:
        return ada.statement_execution.execute_statement("SELECT 1", warehouse).status.state.value
    except PermissionDenied as error:
        return str(error).split(" on ")[0]
print(can_query())
w.groups.patch(inner.id, schemas=schema, operations=[iam.Patch(op=iam.PatchOp.ADD, path="members", value=[{"value": ada_id}])])
print(can_query())
w.groups.patch(inner.id, schemas=schema, operations=[iam.Patch(op=iam.PatchOp.REMOVE, path=f'members[value eq "{ada_id}"]')])
print(can_query())
w.users.patch(eve.id, schemas=schema, operations=[iam.Patch(op=iam.PatchOp.REPLACE, path="displayName", value="Eva")])
w.users.update(eve.id, user_name="eve@example.com", display_name="Evita", active=True)
print(w.users.get(eve.id).display_name, w.users.get(eve.id).entitlements)
for call in (lambda: ada.users.create(user_name="x@example.com"), lambda: w.users.create(user_name="eve@example.com"),
             lambda: w.groups.create(display_name="inner"), lambda: w.groups.delete(next(w.groups.list(filter='displayName eq "admins"')).id),
             lambda: w.users.delete(w.current_user.me().id), lambda: w.groups.delete("1")):
    try:
        call()
        print("done")
    except Exception as error:
        print(type(error).__name__, str(error).split(". Config")[0])
w.users.delete(eve.id)
w.service_principals.delete(robot.id)
print(w.groups.get(inner.id).members)
w.groups.delete(inner.id)
print(w.groups.get(outer.id).members, [u.user_name for u in w.users.list()])
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = format!(
        "eve@example.com Eve ['workspace-access']\n\
        36 robot\n\
        ['Eve', 'robot'] ['inner']\n\
        [('inner', 'direct'), ('outer', 'indirect'), ('users', 'indirect')]\n\
        {ADA} does not have CAN_USE permissions\n\
        SUCCEEDED\n\
        {ADA} does not have CAN_USE permissions\n\
        Evita []\n\
        PermissionDenied None {ADA} is not a workspace admin\n\
        ResourceConflict uniqueness User with name eve@example.com already exists.\n\
        ResourceConflict uniqueness Group with name inner already exists.\n\
        BadRequest invalidValue The group admins belongs to the workspace\n\
        BadRequest invalidValue Nobody removes themselves\n\
        NotFound None Group with id 1 not found.\n\
        []\n\
        [] ['developer@example.com', 'ada@example.com']\n"
    );
    assert_eq!(printed, expected);
}

/// Every path of the directory makes, lists, shows, replaces, changes and removes; the SDK sends it what its methods send under
/// one of them.
#[tokio::test(flavor = "multi_thread")]
async fn every_door_opens() {
    let running = start().await;
    let script = r#"
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}
patch["Operations"] = [{"op": "replace", "path": "displayName", "value": "third"}]
for door in ("/api/2.0/preview/scim/v2", "/api/2.0/account/scim/v2", "/api/2.0/scim/v2"):
    do = lambda method, path, body=None: w.api_client.do(method, door + path, body=body)
    print(do("GET", "/Me")["userName"])
    for kind, body in (("Users", {"userName": "eve@example.com"}), ("Groups", {}), ("ServicePrincipals", {})):
        made = do("POST", f"/{kind}", {**body, "displayName": "first"})
        one = f"/{kind}/{made['id']}"
        listed = [found["displayName"] for found in do("GET", f"/{kind}")["Resources"] if found["id"] == made["id"]]
        do("PUT", one, {**made, "displayName": "second"})
        second = do("GET", one)["displayName"]
        do("PATCH", one, patch)
        third = do("GET", one)["displayName"]
        do("DELETE", one)
        left = [found for found in do("GET", f"/{kind}").get("Resources", []) if found["id"] == made["id"]]
        print(kind, listed, second, third, left)
"#;
    let printed = running.python_with(&environment(TODAY).await, &running.people_environment(), script).await;
    let expected = "developer@example.com\n\
        Users ['first'] second third []\n\
        Groups ['first'] second third []\n\
        ServicePrincipals ['first'] second third []\n";
    assert_eq!(printed, expected.repeat(3));
}

/// Users without an entitlement are kept from what it opens.
#[tokio::test(flavor = "multi_thread")]
async fn entitlements_open_parts_of_the_workspace() {
    let running = start_with(|config| {
        config.users[1].entitlements.clear();
    })
    .await;
    let mut variables = running.handle.client_environment();
    variables
        .push(("DATABRICKS_TOKEN".to_owned(), running.handle.create_personal_access_token(ADA).unwrap()));
    let script = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
w = WorkspaceClient()
print(w.current_user.me().user_name)
for call in (lambda: list(w.jobs.list()), lambda: list(w.warehouses.list())):
    try:
        call()
    except PermissionDenied as error:
        print(str(error).split(". Config")[0])
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    assert_eq!(
        printed,
        format!(
            "{ADA}\n\
            This API is disabled for users without the workspace-access entitlement\n\
            This API is disabled for users without the databricks-sql-access or workspace-access entitlement\n"
        )
    );
}
