"""OPTIMIZE seen through another reader of Delta: what the log tells of the files, and that nothing is lost when it is wrong."""

import json
import os
import pathlib

import pyarrow
from databricks import sql
from deltalake import DeltaTable, QueryBuilder

connection = sql.connect(
    server_hostname=os.environ["DATABRICKS_HOST"],
    http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
    access_token=os.environ["DATABRICKS_TOKEN"],
)


def rows(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def place(table):
    return rows(f"SELECT location FROM (DESCRIBE DETAIL {table})")[0][0]


def told(table):
    """What the log tells of each file, flat: `min.k`, `max.k`, `null_count.k`, …"""
    return pyarrow.table(DeltaTable(place(table)).get_add_actions(flatten=True)).to_pylist()


def read(table, columns):
    found = QueryBuilder().register("t", DeltaTable(place(table))).execute(f"SELECT {columns} FROM t ORDER BY 1").read_all()
    return list(zip(*(column.to_pylist() for column in found.columns)))


def disjoint(table, key):
    """Whether no two files of a table hold values between each other's; there are several files."""
    ranges = sorted((file[f"min.{key}"], file[f"max.{key}"]) for file in told(table))
    assert len(ranges) > 1, ranges
    return all(one[1] < other[0] for one, other in zip(ranges, ranges[1:])), ranges


rows("CREATE SCHEMA main.tidy")
rows("USE main.tidy")

# The least and greatest values, NULLs and rows of every file stay known.
rows("CREATE TABLE kinds (id BIGINT, s STRING, x DOUBLE, d DECIMAL(12, 2), day DATE, at TIMESTAMP, b BOOLEAN, m STRUCT<a: BIGINT>, l ARRAY<INT>)")
for number in range(3):
    rows(f"""INSERT INTO kinds SELECT id, CASE WHEN id % 2 = 0 THEN concat('s', id) END, id / 4, CAST(id AS DECIMAL(12, 2)),
        date_add(DATE'2024-01-01', CAST(id AS INT)), timestamp_seconds(id), id % 2 = 0, named_struct('a', id), array(1)
        FROM range({number * 10}, {number * 10 + 10})""")
before = rows("SELECT * FROM kinds ORDER BY id")
rows("OPTIMIZE kinds")
(file,) = told("kinds")
assert (file["num_records"], file["min.id"], file["max.id"], file["null_count.id"]) == (30, 0, 29, 0), file
assert (file["min.s"], file["max.s"], file["null_count.s"]) == ("s0", "s8", 15), file
assert (file["min.x"], file["max.x"], str(file["max.d"]), str(file["max.day"])) == (0.0, 7.25, "29.00", "2024-01-30"), file
assert (file["min.at"].isoformat()[:19], file["max.m.a"]) == ("1970-01-01T00:00:00", 29), file
assert rows("SELECT * FROM kinds ORDER BY id") == before
assert rows("SELECT count(*) FROM kinds WHERE s = 's8' AND day >= DATE'2024-01-09' AND at < TIMESTAMP'1970-01-01 00:01:00'") == [(1,)]

# ZORDER BY and CLUSTER BY put the rows in order over all files of a table, however many rows there are.
rows("CREATE TABLE wide (id BIGINT, k BIGINT) TBLPROPERTIES ('delta.targetFileSize' = '100kb')")
for number in range(3):
    rows(f"INSERT INTO wide SELECT id, id * 7919 % 100003 FROM range({number * 40000}, {number * 40000 + 40000})")
total = read("wide", "id, k")
rows("OPTIMIZE wide ZORDER BY (k)")
apart, ranges = disjoint("wide", "k")
assert apart, ranges
assert sum(file["num_records"] for file in told("wide")) == 120000
assert read("wide", "id, k") == total
rows("ALTER TABLE wide CLUSTER BY (id)")
rows("OPTIMIZE wide FULL")
apart, ranges = disjoint("wide", "id")
assert apart, ranges
assert read("wide", "id, k") == total

# CLUSTER BY AUTO is kept and shown; the columns that are there stay.
rows("ALTER TABLE wide CLUSTER BY AUTO")
assert list(rows("SELECT clusteringColumns FROM (DESCRIBE DETAIL wide)")[0][0]) == ["id"]
assert ("clusterByAuto", "true") in rows("SHOW TBLPROPERTIES wide")
assert "CLUSTER BY AUTO" in rows("SHOW CREATE TABLE wide")[0][0]
rows("ALTER TABLE wide CLUSTER BY NONE")
assert "clusterByAuto" not in dict(rows("SHOW TBLPROPERTIES wide"))
rows("CREATE TABLE chosen (id INT) CLUSTER BY AUTO")
assert "CLUSTER BY AUTO" in rows("SHOW CREATE TABLE chosen")[0][0]

# Where the rows that are written are not as many as those that were there, as the log tells, nothing is changed.
rows("CREATE TABLE odd (id BIGINT)")
for number in range(3):
    rows(f"INSERT INTO odd VALUES ({number}), ({number + 10})")
home = pathlib.Path(place("odd"))
commit = sorted((home / "_delta_log").glob("*.json"))[-1]
lines = [json.loads(line) for line in commit.read_text().splitlines()]
for action in lines:
    if "add" in action:
        stats = json.loads(action["add"]["stats"])
        action["add"]["stats"] = json.dumps({**stats, "numRecords": stats["numRecords"] + 1})
commit.write_text("".join(json.dumps(line) + "\n" for line in lines))
files = sorted(path.name for path in home.rglob("*") if path.is_file())
try:
    raise AssertionError(rows("OPTIMIZE odd"))
except sql.exc.Error as error:
    assert "OPTIMIZE wrote 6 rows" in str(error) and "in place of 7" in str(error) and "Hint:" in str(error), error
assert sorted(path.name for path in home.rglob("*") if path.is_file()) == files
assert not list(home.glob("*optimize*"))
assert rows("SELECT id FROM odd ORDER BY id") == [(0,), (1,), (2,), (10,), (11,), (12,)]
assert "OPTIMIZE" not in {row[0] for row in rows("SELECT operation FROM (DESCRIBE HISTORY odd)")}
# Names of fields within a column that differ in the files are not written by us: refused, and the rows stay.
rows("CREATE TABLE nested (id INT, s STRUCT<a: INT>) TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
for number in range(2):
    rows(f"INSERT INTO nested VALUES ({number}, named_struct('a', {number}))")
try:
    raise AssertionError(rows("OPTIMIZE nested"))
except sql.exc.Error as error:
    assert "UNSUPPORTED_FEATURE" in str(error) and "Hint:" in str(error), error
assert rows("SELECT id, s.a FROM nested ORDER BY id") == [(0, 0), (1, 1)]
print("ok")
