"""Runs a command with a token of the app's service principal, under the names that test suites of SQL clients read."""

import base64
import json
import os
import sys
import urllib.parse
import urllib.request

host = os.environ["DATABRICKS_HOST"].removeprefix("https://").rstrip("/")
pair = os.environ.pop("DATABRICKS_CLIENT_ID") + ":" + os.environ.pop("DATABRICKS_CLIENT_SECRET")
request = urllib.request.Request(
    f"https://{host}/oidc/v1/token",
    urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "all-apis"}).encode(),
    {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()},
)
token = json.load(urllib.request.urlopen(request))["access_token"]
path = "/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"]
os.environ.update(
    DATABRICKS_TOKEN=token,
    DATABRICKS_SERVER_HOSTNAME=host,
    DATABRICKS_HTTP_PATH=path,
    DATABRICKS_CATALOG="main",
    DATABRICKS_SCHEMA="default",
    DATABRICKS_USER="judge@example.com",
    # What dbt's and SQLAlchemy's suites call the same things.
    DBT_DATABRICKS_HOST_NAME=host,
    DBT_DATABRICKS_TOKEN=token,
    DBT_DATABRICKS_HTTP_PATH=path,
    DBT_DATABRICKS_UC_CLUSTER_HTTP_PATH=path,
    # Its files name an external location, also for models that need none.
    DBT_DATABRICKS_LOCATION_ROOT="s3://there-is-none",
    HOST=host,
)
os.execvp(sys.argv[1], sys.argv[1:])
