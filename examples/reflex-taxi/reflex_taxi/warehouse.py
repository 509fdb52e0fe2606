"""Queries to the SQL warehouse, as the app itself or as the person who uses it."""

import os

from databricks import sql
from databricks.sdk.core import Config


def connect(user_token=None):
    """Connect as the signed-in user if there is a token, else as the app's service principal."""
    config = Config()
    if user_token:
        credentials = {"access_token": user_token}
    else:
        credentials = {"credentials_provider": lambda: config.authenticate}
    return sql.connect(
        server_hostname=config.host,
        http_path=f"/sql/1.0/warehouses/{os.environ['DATABRICKS_WAREHOUSE_ID']}",
        **credentials,
    )


def rows(statement, parameters=None, user_token=None):
    """Run one statement and return its rows as dictionaries."""
    with connect(user_token) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]
