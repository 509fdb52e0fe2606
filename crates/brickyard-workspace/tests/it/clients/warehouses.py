"""What the SDK does with warehouses and statements, and the connector over the Statement Execution API."""

import os

import requests
from databricks import sql
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, NotFound
from databricks.sdk.service.sql import Disposition, Format, StatementParameterListItem, StatementState

workspace = WorkspaceClient()
id = os.environ["DATABRICKS_WAREHOUSE_ID"]

# The starter warehouse.
warehouse = workspace.warehouses.get(id)
assert warehouse.odbc_params.path == "/sql/1.0/warehouses/" + id and warehouse.state.value == "RUNNING"
assert [one.id for one in workspace.warehouses.list()] == [id]
try:
    workspace.warehouses.get("0000000000000000")
    raise AssertionError("a warehouse that is not there was found")
except NotFound:
    pass
try:
    workspace.warehouses.create(name="mine", cluster_size="Small", max_num_clusters=1)
    raise AssertionError("a warehouse was made without permission")
except DatabricksError as error:
    assert error.error_code == "PERMISSION_DENIED", error


def run(statement, **arguments):
    return workspace.statement_execution.execute_statement(statement, id, **arguments)


# Inline JSON: every value is text, NULL is null.
answer = run(
    "SELECT 1 i, CAST(2.50 AS DECIMAL(10,2)) c, TIMESTAMP'2021-01-02 03:04:05' t, NULL n, array(1, 2) a, 1.5D d",
    wait_timeout="30s",
)
assert answer.status.state == StatementState.SUCCEEDED, answer
assert answer.result.data_array == [["1", "2.50", "2021-01-02T03:04:05.000Z", None, "[1,2]", "1.5"]], answer.result
columns = answer.manifest.schema.columns
assert [column.type_text for column in columns] == ["INT", "DECIMAL(10,2)", "TIMESTAMP", "VOID", "ARRAY<INT>", "DOUBLE"]
assert (columns[1].type_precision, columns[1].type_scale) == (10, 2)
assert answer.manifest.total_row_count == 1 and not answer.manifest.truncated

# Parameters, limits, errors.
parameters = [
    StatementParameterListItem(name="a", value="7", type="INT"),
    StatementParameterListItem(name="b", value="it's"),
    StatementParameterListItem(name="c"),
]
answer = run("SELECT :a + 1 AS a, :b AS b, :c AS c", parameters=parameters)
assert answer.result.data_array == [["8", "it's", None]], answer
answer = run("SELECT id FROM range(100)", row_limit=10)
assert answer.manifest.total_row_count == 10 and answer.manifest.truncated
assert not run("SELECT id FROM range(10)", row_limit=10).manifest.truncated
answer = run("SELECT * FROM nowhere")
assert answer.status.state == StatementState.FAILED and "TABLE_OR_VIEW_NOT_FOUND" in answer.status.error.message
for wrong in ({"wait_timeout": "3s"}, {"wait_timeout": "51s"}, {"format": Format.CSV}):
    try:
        run("SELECT 1", **wrong)
        raise AssertionError(wrong)
    except DatabricksError as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", error

# Asynchronous: pending, then cancelled; and polled to the end.
answer = run("SELECT sum(sin(id)) FROM range(1000000000000)", wait_timeout="0s")
assert answer.status.state in (StatementState.PENDING, StatementState.RUNNING)
workspace.statement_execution.cancel_execution(answer.statement_id)
while True:
    state = workspace.statement_execution.get_statement(answer.statement_id).status.state
    if state not in (StatementState.PENDING, StatementState.RUNNING):
        break
assert state == StatementState.CANCELED, state

# The history tells of them.
history = workspace.query_history.list(include_metrics=False).res
assert history[0].warehouse_id == id and history[0].status.value == "CANCELED", history[0]
assert any(one.status.value == "FAILED" and "nowhere" in one.query_text for one in history)
assert any(one.status.value == "FINISHED" and one.rows_produced == 10 for one in history)

# Links: Arrow and CSV, fetched without credentials, chunk by chunk.
answer = run(
    "SELECT id, CAST(id AS STRING) t FROM range(600000)",
    disposition=Disposition.EXTERNAL_LINKS,
    format=Format.CSV,
    wait_timeout="50s",
)
assert answer.manifest.total_row_count == 600000 and answer.manifest.total_chunk_count > 1
seen, index = set(), 0
while index is not None:
    part = workspace.statement_execution.get_statement_result_chunk_n(answer.statement_id, index)
    link = part.external_links[0]
    content = requests.get(link.external_link)
    content.raise_for_status()
    lines = content.text.splitlines()[1 if index == 0 else 0 :]
    assert len(lines) == link.row_count
    seen.update(int(line.split(",")[0]) for line in lines)
    index = link.next_chunk_index
assert len(seen) == 600000
forged = link.external_link.replace("signature=", "signature=A")
assert requests.get(forged).status_code == 403

# The connector over the same API.
for cloud_fetch in (True, False):
    with sql.connect(
        server_hostname=workspace.config.host,
        http_path="/sql/1.0/warehouses/" + id,
        credentials_provider=lambda: workspace.config.authenticate,
        use_sea=True,
        use_cloud_fetch=cloud_fetch,
    ) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, CAST(id AS DECIMAL(10,2)) c FROM range(5) ORDER BY id")
            assert [row.id for row in cursor.fetchall()] == list(range(5))
            if cloud_fetch:
                cursor.execute("SELECT id FROM range(300000)")
                assert cursor.fetchall_arrow().num_rows == 300000
print("ok")
