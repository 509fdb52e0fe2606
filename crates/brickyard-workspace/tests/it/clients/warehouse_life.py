"""A warehouse from its making to its end, by its admin: rights, idle stop, start by a statement, queue, limits."""

import os
import time

from databricks import sql
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, NotFound
from databricks.sdk.service.sql import (
    Disposition, ExecuteStatementRequestOnWaitTimeout, Format, StatementState, WarehouseAccessControlRequest,
    WarehousePermissionLevel,
)  # fmt: skip

workspace = WorkspaceClient()
statements = workspace.statement_execution
waiting = (StatementState.PENDING, StatementState.RUNNING)


def refused(call, code, *arguments, **named):
    try:
        call(*arguments, **named)
    except DatabricksError as error:
        assert error.error_code == code, (error.error_code, error)
        return
    raise AssertionError(f"{arguments} {named} was not refused")


# Made, changed, looked at.
made = workspace.warehouses.create(name="mine", cluster_size="Small", max_num_clusters=1, auto_stop_mins=15)
id = made.response.id
refused(workspace.warehouses.create, "INVALID_PARAMETER_VALUE", name="mine", cluster_size="Small")
refused(workspace.warehouses.create, "INVALID_PARAMETER_VALUE", name="other", cluster_size="Huge")
workspace.warehouses.edit(id, name="ours", cluster_size="Medium", max_num_clusters=1, auto_stop_mins=20)
seen = workspace.warehouses.get(id)
assert (seen.name, seen.cluster_size, seen.auto_stop_mins, seen.state.value) == ("ours", "Medium", 20, "RUNNING")
assert seen.creator_name == workspace.current_user.me().user_name
assert {one.name for one in workspace.warehouses.list()} == {"ours", "Serverless Starter Warehouse"}


def connect(token, **arguments):
    return sql.connect(
        server_hostname=workspace.config.host.removeprefix("https://"),
        http_path="/sql/1.0/warehouses/" + id,
        access_token=token,
        **arguments,
    )


# Rights: nobody but its maker may use it until they are given the right, which is seen at once.
try:
    connect(os.environ["ADA_TOKEN"], _retry_stop_after_attempts_count=1)
    raise AssertionError("a warehouse was used without a right")
except sql.exc.Error as error:
    assert "403" in str(error.context) or "ermission" in str(error), (error, error.context)
level = WarehousePermissionLevel
given = [WarehouseAccessControlRequest(user_name="ada@example.com", permission_level=level.CAN_USE)]
workspace.warehouses.update_permissions(id, access_control_list=given)
listed = workspace.warehouses.get_permissions(id).access_control_list
assert any(one.user_name == "ada@example.com" for one in listed), listed
with connect(os.environ["ADA_TOKEN"]) as connection, connection.cursor() as cursor:
    assert cursor.execute("SELECT current_user()").fetchone()[0] == "ada@example.com"
ada = WorkspaceClient(host=workspace.config.host, token=os.environ["ADA_TOKEN"])
refused(ada.warehouses.edit, "PERMISSION_DENIED", id, name="hers")
refused(ada.warehouses.delete, "PERMISSION_DENIED", id)


def state():
    return workspace.warehouses.get(id).state.value


def run(statement, **arguments):
    return statements.execute_statement(statement, id, **arguments)


# It stops when it has been idle for its time, and the first statement starts it.
move = lambda seconds: workspace.api_client.do("POST", "/api/brickyard/clock", body={"advance_seconds": seconds})
move(19 * 60)
assert state() == "RUNNING"
assert run("SELECT 1", wait_timeout="50s").status.state == StatementState.SUCCEEDED
move(19 * 60)
assert state() == "RUNNING"
move(61)
assert state() == "STOPPED"
assert run("SELECT 1", wait_timeout="50s").status.state == StatementState.SUCCEEDED
assert state() == "RUNNING"
workspace.warehouses.stop(id)
assert state() == "STOPPED"
workspace.warehouses.edit(id, name="ours", cluster_size="Medium", max_num_clusters=1, auto_stop_mins=20)
assert state() == "STOPPED", "a change of a stopped warehouse started it"
with connect(workspace.config.token) as connection, connection.cursor() as cursor:
    assert cursor.execute("SELECT 7").fetchone()[0] == 7
    assert state() == "RUNNING"
workspace.warehouses.stop(id)
workspace.warehouses.start(id)
assert state() == "RUNNING"

# Fifty at once: ten run, the others wait in the order they came; a cancelled one makes room.
slow = "SELECT sum(sin(id)) FROM range(1000000000000)"
endless = [run(slow, wait_timeout="0s").statement_id for _ in range(10)]
queued = [run(f"SELECT {number}", wait_timeout="0s").statement_id for number in range(40)]
states = lambda ids: [statements.get_statement(one).status.state for one in ids]
while states(endless) != [StatementState.RUNNING] * 10:
    time.sleep(0.05)
assert states(queued) == [StatementState.PENDING] * 40
statements.cancel_execution(queued[0])
while states(queued[:1]) == [StatementState.PENDING]:
    time.sleep(0.05)
assert states(queued[:1]) == [StatementState.CANCELED], "a statement that waits is cancelled"
statements.cancel_execution(endless[0])
while StatementState.PENDING in states(queued) or StatementState.RUNNING in states(queued):
    time.sleep(0.1)
assert states(queued[1:]) == [StatementState.SUCCEEDED] * 39
assert states(endless) == [StatementState.CANCELED] + [StatementState.RUNNING] * 9
history = {one.query_id: one for one in workspace.query_history.list(max_results=200).res}
ends = [history[one].query_end_time_ms for one in queued[1:]]
assert ends == sorted(ends), "those who came first were served first"

# Stopping ends what runs; polling tells.
workspace.warehouses.stop(id)
while set(states(endless)) & set(waiting):
    time.sleep(0.1)
assert states(endless) == [StatementState.CANCELED] * 10

# Limits of a result, and of the time that is waited.
answer = run("SELECT id, repeat('x', 100) t FROM range(1000000)", wait_timeout="50s", byte_limit=1000000,
             disposition=Disposition.EXTERNAL_LINKS, format=Format.ARROW_STREAM)  # fmt: skip
assert answer.manifest.truncated and 0 < answer.manifest.total_byte_count <= 1000000, answer.manifest
answer = run("SELECT id, repeat('x', 100) t FROM range(1000000)", wait_timeout="50s")
assert answer.status.state == StatementState.FAILED and "byte limit" in answer.status.error.message.lower()
refused(run, "INVALID_PARAMETER_VALUE", "SELECT 1", wait_timeout="0s", on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL)
refused(run, "INVALID_PARAMETER_VALUE", "SELECT 1", wait_timeout="51s")
refused(run, "INVALID_PARAMETER_VALUE", "")
answer = run(slow, wait_timeout="5s", on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL)
assert answer.status.state == StatementState.CANCELED, answer
for wrong, class_name, sql_state in (
    ("SELECT * FROM nowhere", "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
    ("SELEC 1", "PARSE_SYNTAX_ERROR", "42601"),
    ("SELECT 1/0", "DIVIDE_BY_ZERO", "22012"),
    ("SELECT CAST('x' AS INT)", "CAST_INVALID_INPUT", "22018"),
):
    answer = statements.execute_statement(wrong, id, wait_timeout="50s")
    assert f"[{class_name}]" in answer.status.error.message, answer
    assert f"SQLSTATE: {sql_state}" in answer.status.error.message, answer
    raw = workspace.api_client.do("GET", "/api/2.0/sql/statements/" + answer.statement_id)
    assert raw["status"]["sql_state"] == sql_state, raw

# The end.
workspace.warehouses.delete(id)
try:
    workspace.warehouses.get(id)
    raise AssertionError("a deleted warehouse is there")
except NotFound:
    pass
refused(run, "RESOURCE_DOES_NOT_EXIST", "SELECT 1")
print("ok")
