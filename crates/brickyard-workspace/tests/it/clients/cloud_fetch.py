"""Large results: links that the connectors, old and new, follow on the workspace's own host."""

import os

import pyarrow
import requests
from databricks import sql
from databricks.sdk.core import Config
from databricks.sql.cloudfetch import downloader

config = Config()
links = []
run = downloader.ResultSetDownloadHandler.run


def counted(handler):
    links.append(handler.link)
    return run(handler)


downloader.ResultSetDownloadHandler.run = counted


def connect(**arguments):
    return sql.connect(
        server_hostname=config.host,
        http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
        credentials_provider=lambda: config.authenticate,
        **arguments,
    )


def fetched(connection, statement):
    links.clear()
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall_arrow()


plain = "SELECT id, CAST(id AS STRING) t, CAST(id AS DECIMAL(12,2)) d FROM range(600000)"
shaped = (
    "SELECT id, array(id, NULL) a, timestamp_micros(id) t, INTERVAL '1' DAY i, NULL n"
    " FROM range(400000)"
)
for statement, rows in ((plain, 600000), (shaped, 400000)):
    tables = []
    for arguments in ({}, {"enable_query_result_lz4_compression": False}, {"use_cloud_fetch": False}):
        with connect(**arguments) as connection:
            table = fetched(connection, statement)
            assert bool(links) == (arguments.get("use_cloud_fetch", True)), (arguments, len(links))
            assert table.num_rows == rows
            order = pyarrow.compute.sort_indices(table.column("id"))
            tables.append(table.take(order).combine_chunks())
    # By link, compressed or not, or in the answers themselves: the same rows and types.
    assert tables[0].schema.types == tables[1].schema.types == tables[2].schema.types
    assert tables[0].equals(tables[1]) and tables[1].equals(tables[2])
    assert tables[0].column("id").to_pylist() == list(range(rows))

with connect() as connection, connection.cursor() as cursor:
    # A small result comes in the answer.
    links.clear()
    cursor.execute("SELECT id FROM range(1000)")
    assert len(cursor.fetchall()) == 1000 and not links
    # In pieces, and left in the middle.
    cursor.execute(plain)
    seen = [row.id for row in cursor.fetchmany(10)]
    while batch := cursor.fetchmany(70000):
        seen += [row.id for row in batch]
    assert sorted(seen) == list(range(600000)) and links
    # Links are on the workspace's host, need no token, cannot be altered and end with their statement.
    cursor.execute(plain)
    cursor.fetchmany(1)
    link = links[-1].fileLink
    assert link.startswith(f"https://{config.host.removeprefix('https://').rstrip('/')}/"), link
    assert requests.get(link).status_code == 200
    assert requests.get(link.replace("expires=", "expires=1")).status_code == 403
    assert requests.get(link.split("?")[0]).status_code == 400
    cursor.execute("SELECT 1")
    assert cursor.fetchone()[0] == 1
    assert requests.get(link).status_code == 404
print("ok", link)
