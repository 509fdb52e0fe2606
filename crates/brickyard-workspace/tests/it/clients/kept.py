"""What the clients of tables that are kept by the workspace begin with: two people, and how they ask."""

import os

from databricks import sql
from databricks.sdk import WorkspaceClient


def connect(token):
    return sql.connect(
        server_hostname=os.environ["DATABRICKS_HOST"],
        http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
        access_token=token,
    )


developer = connect(os.environ["DEVELOPER_TOKEN"])
ada = connect(os.environ["ADA_TOKEN"])
sdk = WorkspaceClient(host="https://" + os.environ["DATABRICKS_HOST"], token=os.environ["DEVELOPER_TOKEN"])


def run(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()]


def rows(statement):
    return run(developer, statement)


def refused(connection, statement, *texts):
    try:
        run(connection, statement)
    except Exception as error:
        for text in texts:
            assert text in str(error), (statement, text, str(error))
        return
    raise AssertionError("accepted: " + statement)
