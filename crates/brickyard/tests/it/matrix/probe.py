"""Uses each resource the app is given, as the app, through the clients that are not ours; tells what came of each."""

import base64
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor

import mlflow
import psycopg
from databricks import sql
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import ExternalFunctionRequestHttpMethod
from databricks.vector_search.client import VectorSearchClient

w = WorkspaceClient()


def value(key):
    return os.environ[key.upper().replace("-", "_")]


def rows(statement):
    path = "/sql/1.0/warehouses/" + value("sql-warehouse")
    with sql.connect(
        server_hostname=w.config.host, http_path=path, credentials_provider=lambda: w.config.authenticate
    ) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()]


def sql_warehouse():
    # First as REST has it: older connectors keep the words of a refusal to themselves.
    w.statement_execution.execute_statement("SELECT 1", value("sql-warehouse"))
    return rows("SELECT current_user()") == [(w.config.client_id,)]


def serving_endpoint():
    asked = [{"role": "user", "content": "hi"}]
    client = w.serving_endpoints.get_open_ai_client()
    answer = client.chat.completions.create(model=value("serving-endpoint"), messages=asked)
    return answer.choices[0].message.content == "you said hi"


def secret():
    import base64

    kept = base64.b64decode(w.secrets.get_secret("shop", "key").value).decode()
    return kept == value("secret") == "s3cret"


def volume():
    path = value("volume") + "/" + os.environ["DATABRICKS_APP_NAME"]
    w.files.upload(path, io.BytesIO(b"kept"), overwrite=True)
    return w.files.download(path).contents.read() == b"kept"


def table():
    return rows("SELECT n FROM " + value("table")) == [(7,)]


def vector_search_index():
    client = VectorSearchClient(
        workspace_url=w.config.host,
        service_principal_client_id=w.config.client_id,
        service_principal_client_secret=w.config.client_secret,
        disable_notice=True,
    )
    index = client.get_index(index_name=value("vector-search-index"))
    found = index.similarity_search(columns=["id"], query_vector=[0.0, 1.0], num_results=1)
    return found["result"]["data_array"][0][0] == 2


def connection():
    answer = w.serving_endpoints.http_request(value("connection"), ExternalFunctionRequestHttpMethod.GET, "/hello")
    return answer.text == "GET /hello Bearer connection-token"


def function():
    return rows("SELECT " + value("function") + "(4)") == [(8,)]


def job():
    run = w.jobs.run_now(int(value("job"))).result()
    return w.jobs.get_run_output(run.tasks[0].run_id).logs.strip() == "ran"


def genie_space():
    answer = w.genie.start_conversation_and_wait(value("genie-space"), "how many facts")
    return answer.query_result.row_count == 1


def experiment():
    mlflow.set_tracking_uri("databricks")
    run = mlflow.MlflowClient().create_run(value("experiment"))
    mlflow.MlflowClient().log_metric(run.info.run_id, "depth", 3.0)
    return mlflow.MlflowClient().get_run(run.info.run_id).data.metrics == {"depth": 3.0}


def logged_in(host, password):
    with psycopg.connect(
        host=host, user=w.config.client_id, dbname="databricks_postgres", sslmode="require", password=password
    ) as door:
        return door.execute("SELECT session_user").fetchone() == (w.config.client_id,)


def database():
    token = w.database.generate_database_credential(request_id="1", instance_names=["brickyard"]).token
    return logged_in(value("database"), token)


def postgres():
    host = w.postgres.get_endpoint(value("postgres")).status.hosts.host
    return logged_in(host, w.postgres.generate_database_credential(endpoint=value("postgres")).token)


def app():
    return w.apps.get(value("app")).name == "other"


KINDS = [
    sql_warehouse, serving_endpoint, secret, volume, table, vector_search_index, connection, function, job, genie_space,
    experiment, database, postgres, app,
]


def outcome(kind):
    try:
        return "works" if kind() else "gives something else"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def report():
    """What came of each kind, in letters that every framework shows as they are."""
    with ThreadPoolExecutor(len(KINDS)) as together:
        outcomes = dict(zip((kind.__name__.replace("_", "-") for kind in KINDS), together.map(outcome, KINDS)))
    return "report-" + json.dumps(outcomes).encode().hex() + "-end"
