"""What the scripts about tables in Lakebase share."""
import os
import time

import psycopg
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue, NotFound, NotImplemented, PermissionDenied, ResourceConflict,
)
from databricks.sdk.service.sql import StatementState

w = WorkspaceClient()
me = w.current_user.me().user_name
warehouse = next(iter(w.warehouses.list())).id


def refused(kind, call, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
        return
    raise AssertionError(f"not refused: {kind}")


def sql(text, client=w):
    answer = client.statement_execution.execute_statement(text, warehouse_id=warehouse, wait_timeout="50s")
    if answer.status.state != StatementState.SUCCEEDED:
        raise RuntimeError(f"{text}: {answer.status.error.message if answer.status.error else answer.status.state}")
    return answer.result.data_array if answer.result else None


def wait(look, done):
    for _ in range(600):
        seen = look()
        if done(seen):
            return seen
        time.sleep(0.1)
    raise AssertionError(f"never: {seen}")


def connect(host, password, database="databricks_postgres", **options):
    return psycopg.connect(host=host, port=5432, user=me, dbname=database, sslmode="require", password=password, **options)
