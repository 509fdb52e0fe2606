use crate::harness::{ADA, DEVELOPER, TODAY, environment, start};

/// A dashboard is made, published and shown; readers see data with the publisher's grants or with their own.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_publishes_and_the_page_shows() {
    let running = start().await;
    let token = |name| running.handle.create_personal_access_token(name).unwrap();
    let mut variables = running.handle.client_environment();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token(DEVELOPER)));
    variables.push(("ADA_TOKEN".to_owned(), token(ADA)));
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), running.handle.starter_warehouse_id()));
    let script = r##"
import os, json, requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.dashboards import Dashboard
url = "https://" + os.environ["DATABRICKS_HOST"].removeprefix("https://")
dev = WorkspaceClient(host=url, token=os.environ["DEVELOPER_TOKEN"], auth_type="pat")
ada = WorkspaceClient(host=url, token=os.environ["ADA_TOKEN"], auth_type="pat")
def refused(call):
    try:
        print("allowed", call())
    except Exception as error:
        print(type(error).__name__)
done = dev.statement_execution.execute_statement(
    "CREATE TABLE main.default.sales AS SELECT * FROM VALUES ('north', 3), ('south', 5), ('north', 4) AS t(region, amount)",
    os.environ["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
assert done.status.state.value == "SUCCEEDED", done
fields = [{"name": "region", "expression": "`region`"}, {"name": "sum(amount)", "expression": "SUM(`amount`)"}]
widget = lambda kind, encodings, fields: {"name": kind, "queries": [{"name": "q", "query": {
    "datasetName": "d", "fields": fields, "disaggregated": False}}], "spec": {"version": 3, "widgetType": kind,
    "encodings": encodings, "frame": {"title": kind + " title", "showTitle": True}}}
layout = [widget("bar", {"x": {"fieldName": "region"}, "y": {"fieldName": "sum(amount)"}}, fields),
    widget("table", {}, fields), {"name": "t", "textbox_spec": "# Sales <script>alert(1)</script>"}]
content = {"datasets": [{"name": "d", "query": "SELECT * FROM main.default.sales"}], "pages": [{"name": "p", "displayName": "P",
    "layout": [{"widget": w, "position": {"x": 0, "y": i, "width": 6, "height": 3}} for i, w in enumerate(layout)]}]}
made = dev.lakeview.create(Dashboard(display_name="Sales", serialized_dashboard=json.dumps(content),
    warehouse_id=os.environ["DATABRICKS_WAREHOUSE_ID"]))
assert [d.display_name for d in dev.lakeview.list()] == ["Sales"]
refused(lambda: dev.lakeview.get_published(made.dashboard_id))
published = dev.lakeview.publish(made.dashboard_id, embed_credentials=True)
assert dev.lakeview.get_published(made.dashboard_id).display_name == "Sales" and published.embed_credentials
page = lambda token: requests.get(f"{url}/embed/dashboardsv3/{made.dashboard_id}", headers={"Authorization": f"Bearer {token}"} if token else {})
shown = page(os.environ["DEVELOPER_TOKEN"])
assert shown.status_code == 200 and shown.text.count("<rect") == 2 and ">7<" in shown.text and "bar title" in shown.text, shown.text
assert "<script>" not in shown.text and "script-src" not in shown.headers["content-security-policy"]
print(page(None).status_code, page(os.environ["ADA_TOKEN"]).status_code)
refused(lambda: ada.lakeview.get(made.dashboard_id))
dev.api_client.do("PATCH", f"/api/2.0/permissions/dashboards/{made.dashboard_id}",
    body={"access_control_list": [{"user_name": "ada@example.com", "permission_level": "CAN_READ"}]})
assert ">7<" in page(os.environ["ADA_TOKEN"]).text
dev.lakeview.publish(made.dashboard_id, embed_credentials=False)
own = page(os.environ["ADA_TOKEN"]).text
assert ">7<" not in own and "INSUFFICIENT_PERMISSIONS" in own, own
refused(lambda: ada.lakeview.publish(made.dashboard_id))
changed = dev.lakeview.update(made.dashboard_id, Dashboard(display_name="Renamed", etag=made.etag))
assert changed.display_name == "Renamed"
refused(lambda: dev.lakeview.update(made.dashboard_id, Dashboard(display_name="Stale", etag=made.etag)))
emptied = dev.lakeview.update(made.dashboard_id, Dashboard(serialized_dashboard='{"datasets":[],"pages":[]}'))
refused(lambda: dev.lakeview.revert(made.dashboard_id, etag=changed.etag))
back = dev.lakeview.revert(made.dashboard_id, etag=emptied.etag).dashboard
assert json.loads(back.serialized_dashboard) == content and back.etag != emptied.etag, back
assert json.loads(dev.lakeview.get(made.dashboard_id).serialized_dashboard) == content
dev.lakeview.unpublish(made.dashboard_id)
refused(lambda: dev.lakeview.get_published(made.dashboard_id))
refused(lambda: dev.lakeview.revert(made.dashboard_id))
dev.lakeview.trash(made.dashboard_id)
print([d.display_name for d in dev.lakeview.list()])
"##;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let refused = "NotFound|ResourceDoesNotExist";
    let lines: Vec<&str> = printed.lines().collect();
    assert!(refused.contains(lines[0]), "{printed}");
    assert_eq!(lines[1], "401 403", "{printed}");
    assert_eq!(&lines[2..4], ["PermissionDenied", "PermissionDenied"], "{printed}");
    assert!(lines[4..6].iter().all(|line| ["Aborted", "ResourceConflict"].contains(line)), "{printed}");
    assert!(lines[6..8].iter().all(|line| refused.contains(line)), "{printed}");
    assert_eq!(lines[8], "[]", "{printed}");
}

/// Schedules and subscriptions are made, read, changed and removed by the SDK; what cannot be one is refused, and so is who
/// has not the level.
#[tokio::test(flavor = "multi_thread")]
async fn schedules_and_subscriptions_are_kept() {
    let running = start().await;
    let mut variables = running.people_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), running.handle.starter_warehouse_id()));
    let script = r#"
import os
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.dashboards import (
    CronSchedule, Dashboard, Schedule, SchedulePauseStatus, Subscriber, Subscription, SubscriptionSubscriberDestination,
    SubscriptionSubscriberUser)
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
dev = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
def refused(call):
    try:
        return "allowed", call()
    except Exception as error:
        return type(error).__name__
daily = CronSchedule("0 0 8 * * ?", "Europe/Amsterdam")
warehouse = os.environ["DATABRICKS_WAREHOUSE_ID"]
id = dev.lakeview.create(Dashboard(display_name="d")).dashboard_id
made = dev.lakeview.create_schedule(id, Schedule(daily, display_name="mornings", warehouse_id=warehouse))
assert (made.dashboard_id, made.pause_status, made.cron_schedule) == (id, SchedulePauseStatus.UNPAUSED, daily), made
assert dev.lakeview.get_schedule(id, made.schedule_id) == made and list(dev.lakeview.list_schedules(id)) == [made]
for cron in (CronSchedule("0 8 * * *", "UTC"), CronSchedule("0 0 8 * * *", "UTC"), CronSchedule("0 0 8 * * ?", "Europe/Nowhere")):
    print(refused(lambda: dev.lakeview.create_schedule(id, Schedule(cron))))
print(refused(lambda: dev.lakeview.create_schedule(id, Schedule(daily, warehouse_id="none"))))
print(refused(lambda: dev.lakeview.update_schedule(id, made.schedule_id, Schedule(daily))))
hourly = CronSchedule("0 0 * * * ?", "UTC")
changed = dev.lakeview.update_schedule(id, made.schedule_id, Schedule(hourly, etag=made.etag, pause_status=SchedulePauseStatus.PAUSED))
assert (changed.cron_schedule, changed.pause_status, changed.display_name) == (hourly, SchedulePauseStatus.PAUSED, None), changed
assert changed.etag != made.etag and changed.create_time == made.create_time
print(refused(lambda: dev.lakeview.update_schedule(id, made.schedule_id, Schedule(daily, etag=made.etag))))
print(refused(lambda: dev.lakeview.delete_schedule(id, made.schedule_id, etag=made.etag)))
me, she = int(dev.current_user.me().id), int(ada.current_user.me().id)
def subscribe(client, user):
    return client.lakeview.create_subscription(id, made.schedule_id, Subscription(Subscriber(user_subscriber=SubscriptionSubscriberUser(user))))
print("nobody", refused(lambda: list(ada.lakeview.list_schedules(id))), refused(lambda: subscribe(ada, she)))
def level(name):
    dev.permissions.set("dashboards", id, access_control_list=[AccessControlRequest(user_name="ada@example.com", permission_level=name)])
level(PermissionLevel.CAN_READ)
print("reader", refused(lambda: ada.lakeview.create_schedule(id, Schedule(daily))), refused(lambda: subscribe(ada, me)))
assert list(ada.lakeview.list_schedules(id)) == [changed]
own = subscribe(ada, she)
assert (own.subscriber.user_subscriber.user_id, own.created_by_user_id, own.skip_notify) == (she, she, False), own
print(refused(lambda: subscribe(ada, she)), refused(lambda: subscribe(dev, 7)))
print(refused(lambda: dev.lakeview.create_subscription(id, made.schedule_id, Subscription(Subscriber(destination_subscriber=SubscriptionSubscriberDestination("x"))))))
other = subscribe(dev, me)
assert dev.lakeview.get_subscription(id, made.schedule_id, own.subscription_id) == own
found = {one.subscription_id for one in ada.lakeview.list_subscriptions(id, made.schedule_id)}
assert found == {own.subscription_id, other.subscription_id}, found
print(refused(lambda: ada.lakeview.delete_subscription(id, made.schedule_id, other.subscription_id)))
ada.lakeview.delete_subscription(id, made.schedule_id, own.subscription_id, etag=own.etag)
level(PermissionLevel.CAN_EDIT)
ada.lakeview.delete_schedule(id, made.schedule_id, etag=changed.etag)
print(refused(lambda: dev.lakeview.get_schedule(id, made.schedule_id)), refused(lambda: subscribe(dev, me)), list(dev.lakeview.list_schedules(id)))
for n in range(10):
    dev.lakeview.create_schedule(id, Schedule(daily))
print(refused(lambda: dev.lakeview.create_schedule(id, Schedule(daily))), len(list(dev.lakeview.list_schedules(id))))
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "InvalidParameterValue\nInvalidParameterValue\nInvalidParameterValue\n\
        ResourceDoesNotExist\n\
        InvalidParameterValue\n\
        Aborted\n\
        Aborted\n\
        nobody PermissionDenied PermissionDenied\n\
        reader PermissionDenied PermissionDenied\n\
        ResourceAlreadyExists ResourceDoesNotExist\n\
        NotImplemented\n\
        PermissionDenied\n\
        ResourceDoesNotExist ResourceDoesNotExist []\n\
        InvalidParameterValue 10\n";
    assert_eq!(printed, expected);
}
