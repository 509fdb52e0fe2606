"""Ours through the SQL connector and the same engine through pyspark, in turn; prints the medians as JSON."""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from databricks import sql
from databricks.sdk.core import Config, oauth_service_principal
from pyspark.sql.connect.session import SparkSession

ROWS = 5_000_000
WIDE = (
    "SELECT id, id * 2 AS twice, CAST(id AS DOUBLE) / 3 AS third, concat('row ', CAST(id AS STRING)) AS label, "
    f"id % 7 = 0 AS seventh FROM range({ROWS})"
)


@contextlib.contextmanager
def engine():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sail = os.path.join(os.path.dirname(sys.executable), "sail")
    child = subprocess.Popen(
        [sail, "spark", "server", "--ip", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            assert child.poll() is None, "the engine has ended"
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.02)
        spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        yield spark
        spark.stop()  # otherwise it asks for the engine again and again when this program ends
    finally:
        child.kill()


def timed(run, rounds):
    figures = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        figures.append(time.perf_counter() - start)
    return figures


config = Config()
connection = sql.connect(
    server_hostname=config.hostname if hasattr(config, "hostname") else config.host.removeprefix("https://"),
    http_path=f"/sql/1.0/warehouses/{os.environ['DATABRICKS_WAREHOUSE_ID']}",
    credentials_provider=lambda: oauth_service_principal(config),
)
cursor = connection.cursor()
with engine() as spark:

    def ours_once():
        cursor.execute("SELECT 1")
        assert cursor.fetchall()[0][0] == 1

    def theirs_once():
        assert spark.sql("SELECT 1").collect()[0][0] == 1

    def ours_wide():
        cursor.execute(WIDE)
        assert cursor.fetchall_arrow().num_rows == ROWS

    def theirs_wide():
        assert spark.sql(WIDE).toArrow().num_rows == ROWS

    if sys.argv[1] == "latency":
        timed(ours_once, 20), timed(theirs_once, 20)
        ours, theirs = [], []
        for _ in range(10):
            ours += timed(ours_once, 30)
            theirs += timed(theirs_once, 30)
        print(json.dumps({"ours": statistics.median(ours) * 1e3, "theirs": statistics.median(theirs) * 1e3}))
    else:
        size = spark.sql(WIDE).toArrow().nbytes / 1e6
        ours_wide()
        ours, theirs = [], []
        for _ in range(3):
            ours += timed(ours_wide, 1)
            theirs += timed(theirs_wide, 1)
        print(json.dumps({"ours": size / statistics.median(ours), "theirs": size / statistics.median(theirs)}))
