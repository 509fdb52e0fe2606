"""The calls that the connector itself never makes, through its own Thrift client: catalogs for JDBC and ODBC, old protocol."""

import os

from databricks import sql
from databricks.sdk.core import Config
from databricks.sql.thrift_api.TCLIService import ttypes

config = Config()
arguments = dict(server_hostname=config.host, credentials_provider=lambda: config.authenticate)
path = "/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"]
connection = sql.connect(http_path=path, **arguments)
cursor = connection.cursor()
for statement in (
    "CREATE SCHEMA IF NOT EXISTS main.calls",
    "CREATE TABLE main.calls.authors (id BIGINT NOT NULL, name STRING, CONSTRAINT author_key PRIMARY KEY (id))",
    "CREATE TABLE main.calls.books (id BIGINT NOT NULL, author BIGINT,"
    " CONSTRAINT book_author FOREIGN KEY (author) REFERENCES main.calls.authors (id))",
    "CREATE FUNCTION main.calls.twice(x INT) RETURNS INT RETURN x * 2",
):
    cursor.execute(statement)
client = connection.session.backend._client
session = connection.session.session_id.to_thrift_handle()
direct = ttypes.TSparkGetDirectResults(maxRows=1000, maxBytes=1 << 20)


def rows(call, request):
    answer = call(request)
    assert answer.status.statusCode == ttypes.TStatusCode.SUCCESS_STATUS, answer
    results = answer.directResults
    names = [column.columnName for column in results.resultSetMetadata.schema.columns]
    columns = []
    for column in results.resultSet.results.columns:
        filled = next(value for value in vars(column).values() if value is not None)
        nulls = int.from_bytes(filled.nulls, "little")
        columns.append([None if nulls >> at & 1 else value for at, value in enumerate(filled.values)])
    return [dict(zip(names, row)) for row in zip(*columns)]


types = rows(client.GetTypeInfo, ttypes.TGetTypeInfoReq(sessionHandle=session, getDirectResults=direct))
by_name = {row["TYPE_NAME"]: row["DATA_TYPE"] for row in types}
assert by_name["BIGINT"] == -5 and by_name["STRING"] in (12, -1) and by_name["DECIMAL"] == 3, by_name
kinds = rows(client.GetTableTypes, ttypes.TGetTableTypesReq(sessionHandle=session, getDirectResults=direct))
assert {row["TABLE_TYPE"] for row in kinds} >= {"TABLE", "VIEW"}
functions = rows(
    client.GetFunctions,
    ttypes.TGetFunctionsReq(sessionHandle=session, catalogName="main", schemaName="calls", functionName="%",
                            getDirectResults=direct),
)  # fmt: skip
assert [row["FUNCTION_NAME"] for row in functions] == ["twice"], functions
keys = rows(
    client.GetPrimaryKeys,
    ttypes.TGetPrimaryKeysReq(sessionHandle=session, catalogName="main", schemaName="calls", tableName="authors",
                              getDirectResults=direct),
)  # fmt: skip
assert [(row["COLUMN_NAME"], row["KEY_SEQ"], row["PK_NAME"]) for row in keys] == [("id", 1, "author_key")], keys
links = rows(
    client.GetCrossReference,
    ttypes.TGetCrossReferenceReq(sessionHandle=session, foreignCatalogName="main", foreignSchemaName="calls",
                                 foreignTableName="books", getDirectResults=direct),
)  # fmt: skip
assert [(row["PKTABLE_NAME"], row["PKCOLUMN_NAME"], row["FKTABLE_NAME"], row["FKCOLUMN_NAME"]) for row in links] == [
    ("authors", "id", "books", "author")
], links

Info = ttypes.TGetInfoType
ask = lambda kind: client.GetInfo(ttypes.TGetInfoReq(sessionHandle=session, infoType=kind))
assert ask(Info.CLI_DBMS_NAME).infoValue.stringValue == "Spark SQL"
assert ask(Info.CLI_DBMS_VER).infoValue.stringValue[0].isdigit()
assert ask(Info.CLI_IDENTIFIER_QUOTE_CHAR).infoValue.stringValue == "`"
assert ask(Info.CLI_USER_NAME).infoValue.stringValue == "developer@example.com"
assert ask(Info.CLI_ACCESSIBLE_TABLES).status.statusCode == ttypes.TStatusCode.ERROR_STATUS

# A client of the first protocol, which knows nothing of Arrow and reads step by step.
for version in (ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V1, ttypes.TProtocolVersion.__dict__.get(
        "HIVE_CLI_SERVICE_PROTOCOL_V8", ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V1)):  # fmt: skip
    opened = client.OpenSession(ttypes.TOpenSessionReq(client_protocol=version))
    assert opened.status.statusCode == ttypes.TStatusCode.SUCCESS_STATUS, opened
    assert opened.serverProtocolVersion == version, opened
    old = opened.sessionHandle
    begun = client.ExecuteStatement(
        ttypes.TExecuteStatementReq(sessionHandle=old, statement="SELECT id, CAST(id AS STRING) t FROM range(3) ORDER BY id")
    )
    assert begun.status.statusCode == ttypes.TStatusCode.SUCCESS_STATUS and begun.directResults is None
    handle = begun.operationHandle
    state = client.GetOperationStatus(ttypes.TGetOperationStatusReq(operationHandle=handle)).operationState
    assert state == ttypes.TOperationState.FINISHED_STATE, state
    metadata = client.GetResultSetMetadata(ttypes.TGetResultSetMetadataReq(operationHandle=handle))
    assert [column.columnName for column in metadata.schema.columns] == ["id", "t"]
    fetched = client.FetchResults(
        ttypes.TFetchResultsReq(operationHandle=handle, orientation=ttypes.TFetchOrientation.FETCH_NEXT, maxRows=2)
    )
    assert fetched.results.columns[0].i64Val.values == [0, 1] and fetched.hasMoreRows, fetched
    fetched = client.FetchResults(
        ttypes.TFetchResultsReq(operationHandle=handle, orientation=ttypes.TFetchOrientation.FETCH_NEXT, maxRows=2)
    )
    assert fetched.results.columns[1].stringVal.values == ["2"] and not fetched.hasMoreRows, fetched
    assert client.CloseOperation(ttypes.TCloseOperationReq(operationHandle=handle)).status.statusCode == 0
    gone = client.GetOperationStatus(ttypes.TGetOperationStatusReq(operationHandle=handle)).status
    assert gone.statusCode == ttypes.TStatusCode.INVALID_HANDLE_STATUS
    assert client.CloseSession(ttypes.TCloseSessionReq(sessionHandle=old)).status.statusCode == 0

# The statements API under the addresses of the JDBC driver, with numbered parameters.
from databricks.sdk import WorkspaceClient  # noqa: E402

call = WorkspaceClient().api_client.do
place = "/api/2.0/sql/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"] + "/sessions"
made = call("POST", place, body={"catalog": "main", "schema": "default"})["session_id"]
numbered = [{"ordinal": 2, "type": "STRING", "value": "it's"}, {"ordinal": 1, "type": "INT", "value": "41"}]
body = {"statement": "SELECT ? + 1, ?", "parameters": numbered, "wait_timeout": "50s"}
answer = call("POST", f"{place}/{made}/statements", body=body)
assert answer["result"]["data_array"] == [["42", "it's"]], answer
again = call("GET", f"{place}/{made}/statements/{answer['statement_id']}")
assert again["status"]["state"] == "SUCCEEDED", again
call("DELETE", f"{place}/{made}/statements/{answer['statement_id']}")
call("DELETE", f"{place}/{made}")

# The address that all-purpose clusters have.
with sql.connect(http_path="sql/protocolv1/o/0/0123-456789-abcdefgh", **arguments) as other:
    with other.cursor() as first:
        assert first.execute("SELECT 1").fetchone()[0] == 1
cursor.execute("DROP SCHEMA main.calls CASCADE")
print("ok")
