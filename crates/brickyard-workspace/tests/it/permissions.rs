use brickyard_workspace::Group;

use crate::harness::{ADA, DEVELOPER, TODAY, environment, start_with};

/// An admin grants through the SDK, groups in groups count, and what is not granted is refused by name.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_grants_and_withdraws() {
    let running = start_with(|config| {
        let group = |id, name: &str, member: &str| Group {
            id,
            display_name: name.to_owned(),
            members: vec![member.to_owned()],
        };
        config.groups = vec![group(1, "analysts", ADA), group(2, "staff", "analysts")];
    })
    .await;
    let mut variables = running.handle.client_environment();
    for (name, owner) in [("ADMIN_TOKEN", DEVELOPER), ("ADA_TOKEN", ADA)] {
        variables.push((name.to_owned(), running.handle.create_personal_access_token(owner).unwrap()));
    }
    let script = r#"
import os
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest as Entry, PermissionLevel as Level
admin, ada = (WorkspaceClient(token=os.environ[name]) for name in ("ADMIN_TOKEN", "ADA_TOKEN"))
def refused(call, kind):
    try:
        call()
    except kind as error:
        print(kind.__name__, str(error).split(". Config")[0])
refused(lambda: ada.permissions.get("jobs", "7"), PermissionDenied)
admin.permissions.update("jobs", "7", access_control_list=[Entry(group_name="staff", permission_level=Level.CAN_VIEW)])
print([(e.group_name, p.permission_level.value, p.inherited) for e in ada.permissions.get("jobs", "7").access_control_list for p in e.all_permissions])
refused(lambda: ada.permissions.set("jobs", "7", access_control_list=[]), PermissionDenied)
admin.permissions.update("jobs", "7", access_control_list=[Entry(user_name="ada@example.com", permission_level=Level.IS_OWNER)])
ada.permissions.set("jobs", "7", access_control_list=[])
refused(lambda: ada.permissions.get("jobs", "7"), PermissionDenied)
refused(lambda: admin.permissions.set("jobs", "7", access_control_list=[Entry(user_name="eve", permission_level=Level.CAN_VIEW)]), NotFound)
refused(lambda: admin.permissions.set("jobs", "7", access_control_list=[Entry(group_name="staff", permission_level=Level.CAN_QUERY)]), BadRequest)
refused(lambda: admin.permissions.get("spoons", "7"), BadRequest)
print([l.permission_level.value for l in admin.permissions.get_permission_levels("experiments", "x").permission_levels])
for kind, id in (("queries", "q1"), ("alerts", "a1")):
    one = f"/api/2.0/permissions/sql/{kind}/{id}"
    entry = lambda level: {"access_control_list": [{"group_name": "staff", "permission_level": level}]}
    admin.api_client.do("PUT", one, body=entry("CAN_RUN"))
    admin.api_client.do("PATCH", one, body=entry("CAN_EDIT"))
    held = ada.api_client.do("GET", one)["access_control_list"]
    levels = admin.api_client.do("GET", f"{one}/permissionLevels")["permission_levels"]
    print([p["permission_level"] for e in held if e.get("group_name") == "staff" for p in e["all_permissions"]], len(levels))
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "PermissionDenied ada@example.com does not have CAN_VIEW permissions on job '7'\n\
        [('staff', 'CAN_VIEW', False), ('admins', 'CAN_MANAGE', True)]\n\
        PermissionDenied ada@example.com does not have CAN_MANAGE permissions on job '7'\n\
        PermissionDenied ada@example.com does not have CAN_VIEW permissions on job '7'\n\
        NotFound Principal 'eve' does not exist or was not found\n\
        BadRequest CAN_QUERY is not a permission level of a job: it has CAN_VIEW, CAN_MANAGE_RUN, CAN_MANAGE, IS_OWNER\n\
        BadRequest spoons is not a supported object type\n\
        ['CAN_READ', 'CAN_EDIT', 'CAN_MANAGE']\n\
        ['CAN_EDIT'] 4\n\
        ['CAN_EDIT'] 4\n";
    assert_eq!(printed, expected);
}
