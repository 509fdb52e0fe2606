"""The warehouse under load, with large results, with TPC-H and with many tables; prints the figures as JSON."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import requests
from databricks import sql
from databricks.sdk import WorkspaceClient
from pyspark.sql.connect.session import SparkSession

BIN = pathlib.Path(sys.executable).parent
workspace = WorkspaceClient()
warehouse = os.environ["DATABRICKS_WAREHOUSE_ID"]


def connect():
    return sql.connect(
        server_hostname=workspace.config.host.removeprefix("https://").rstrip("/"),
        http_path=f"/sql/1.0/warehouses/{warehouse}",
        credentials_provider=lambda: workspace.config.authenticate,
    )


def serve(*command, health=None):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = subprocess.Popen(
        [*map(str, command), str(port)],
        cwd=os.environ["HOME"],  # some leave files where they are started
        stdout=sys.stderr,
    )
    for _ in range(3000):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return child, port
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"{command[0]} does not listen")


@contextlib.contextmanager
def sail():
    child, port = serve(BIN / "sail", "spark", "server", "--ip", "127.0.0.1", "--port")
    try:
        spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        try:
            yield spark
        finally:
            if child.poll() is not None:
                traceback.print_exc()
                print(f"sail ended with {child.returncode}", file=sys.stderr, flush=True)
                os._exit(2)  # at an ordinary end the session would ask for the engine again and again
            spark.stop()  # for the same reason
    finally:
        child.kill()


def per_second(work, clients=50, seconds=8):
    """How often `clients` at once finish what `work()` of each gives."""
    ready, over, counts = threading.Barrier(clients + 1), threading.Event(), [0] * clients

    def client(number):
        try:
            once = work()
            once()
        except BaseException:
            ready.abort()  # the others must not wait for it
            raise
        ready.wait()
        while not over.is_set():
            once()
            counts[number] += 1

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(client, number) for number in range(clients)]
        with contextlib.suppress(threading.BrokenBarrierError):
            ready.wait()
        start = time.perf_counter()
        over.wait(seconds)
        over.set()
        failed = [one.exception() for one in running if one.exception()]
        if failed:
            raise next((one for one in failed if not isinstance(one, threading.BrokenBarrierError)), failed[0])
    return sum(counts) / (time.perf_counter() - start)


def by_connector():
    cursor = connect().cursor()
    return lambda: cursor.execute("SELECT 1").fetchall()


def by_statement(url, headers, warehouse_id):
    def work():
        session = requests.Session()
        session.headers.update(headers)
        body = {"statement": "SELECT 1", "warehouse_id": warehouse_id, "wait_timeout": "30s"}

        def once():
            answer = session.post(f"{url}/api/2.0/sql/statements", json=body).json()
            assert answer["status"]["state"] == "SUCCEEDED", answer

        return once

    return work


def highest_memory():
    """The most that brickyard itself has had resident, in MB: of the ancestors of this process."""
    process, most = os.getppid(), 0
    while process > 1:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        if fields["Name"].strip() == "brickyard":
            most = max(most, int(fields["VmHWM"].split()[0]) / 1024)
        process = int(fields["PPid"])
    return most


def concurrency(minilake):
    ours = per_second(by_connector)
    with sail() as spark:
        theirs = per_second(lambda: lambda: spark.sql("SELECT 1").collect())
    host = workspace.config.host.rstrip("/")
    statements = per_second(by_statement(host, workspace.config.authenticate(), warehouse), clients=8)
    peer, port = serve(minilake, "--port")
    try:
        url = f"http://127.0.0.1:{port}"
        headers = {"Authorization": "Bearer any"}
        session = requests.Session()
        session.trust_env = False
        wanted = {"name": "bench", "cluster_size": "2X-Small"}
        made = session.post(f"{url}/api/2.0/sql/warehouses", headers=headers, json=wanted).json()
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
        rest = per_second(by_statement(url, headers, made["id"]), clients=8)
    finally:
        peer.kill()
    return {"ours": ours, "theirs": theirs, "statements": statements, "minilake": rest}


def fetch(_):
    rows = 10_000_000
    query = f"SELECT id, CAST(id % 1000 AS INT) AS k, CAST(id AS DOUBLE) AS d FROM range({rows})"
    cursor = connect().cursor()
    ours, theirs = [], []
    with sail() as spark:
        for _ in range(3):
            start = time.perf_counter()
            table = cursor.execute(query).fetchall_arrow()
            ours.append(table.nbytes / 1e6 / (time.perf_counter() - start))
            assert table.num_rows == rows
            start = time.perf_counter()
            table = spark.sql(query).toArrow()
            theirs.append(table.nbytes / 1e6 / (time.perf_counter() - start))
            del table
    return {"ours": statistics.median(ours), "theirs": statistics.median(theirs), "memory": highest_memory()}


def single(text):
    """One statement of a query file: the fifteenth makes a view, asks it and drops it; here the view stands before the query."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if len(parts) == 1:
        return parts[0]
    view, query, _ = parts
    name, body = re.search(r"create view (.*?) as\b(.*)", view, re.DOTALL | re.IGNORECASE).groups()
    return f"WITH {name} AS ({body}) {query}"


def apache_spark(command, place, queries):
    """Seconds that Apache Spark takes for the queries over the same rows, in Parquet files."""
    paths = []
    for number, query in enumerate(queries, 1):
        paths.append(pathlib.Path(place) / f"{number}.sql")
        paths[-1].write_text(query)
    spark = subprocess.run([*json.loads(command), place, *paths], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(spark.stdout.splitlines()[-1])


def tpch(spark_command):
    import pysail

    tables = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")
    queries = pathlib.Path(pysail.__file__).parent / "data/tpch/queries"
    cursor = connect().cursor()
    with tempfile.TemporaryDirectory() as place, sail() as spark:
        subprocess.run([BIN / "tpchgen-cli", "parquet", "-s", "1", "--output-dir", place], check=True)
        try:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS main.tpch")
            cursor.execute("CREATE VOLUME IF NOT EXISTS main.tpch.raw")
            cursor.execute("USE main.tpch")
            for table in tables:
                path = f"/Volumes/main/tpch/raw/{table}.parquet"
                with open(f"{place}/{table}.parquet", "rb") as content:
                    workspace.files.upload(path, content, overwrite=True)
                cursor.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM parquet.`{path}`")
                workspace.files.delete(path)
                location = workspace.tables.get(f"main.tpch.{table}").storage_location.removeprefix("file://")
                spark.sql(f"CREATE TABLE {table} USING delta LOCATION '{location}'").collect()
            ours = theirs = 0
            texts = [single((queries / f"q{number}.sql").read_text()) for number in range(1, 23)]
            for number, query in enumerate(texts, 1):
                of_ours, of_theirs = [], []
                for _ in range(3):
                    start = time.perf_counter()
                    first = cursor.execute(query).fetchall_arrow()
                    of_ours.append(time.perf_counter() - start)
                    start = time.perf_counter()
                    second = spark.sql(query).toArrow()
                    of_theirs.append(time.perf_counter() - start)
                    assert first.num_rows == second.num_rows, (number, first.num_rows, second.num_rows)
                ours, theirs = ours + min(of_ours), theirs + min(of_theirs)
            return {"ours": ours, "theirs": theirs, "spark": apache_spark(spark_command, place, texts)}
        finally:
            cursor.execute("DROP SCHEMA IF EXISTS main.tpch CASCADE")


def metadata(_):
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("CREATE SCHEMA IF NOT EXISTS main.many")
    for number in range(1000):
        cursor.execute(f"CREATE TABLE IF NOT EXISTS main.many.t{number:04} (id BIGINT, name STRING, at TIMESTAMP)")

    def timed(run):
        start = time.perf_counter()
        found = run()
        assert found >= 1000, found
        return (time.perf_counter() - start) * 1e3

    figures = {
        "tables": timed(lambda: len(cursor.tables("main", "many").fetchall())),
        "columns": timed(lambda: len(cursor.columns("main", "many").fetchall())),
        "rest": timed(lambda: len(list(workspace.tables.list("main", "many")))),
    }
    cursor.execute("DROP SCHEMA main.many CASCADE")
    return figures


print(json.dumps(globals()[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else None)))
