"""The warehouse with Apache Spark behind it: queries, types, tables, changes, parameters, links, errors, cancel."""

import os
import time

from databricks import sql

connection = sql.connect(
    os.environ["DATABRICKS_SERVER_HOSTNAME"],
    os.environ["DATABRICKS_HTTP_PATH"],
    access_token=os.environ["DATABRICKS_TOKEN"],
)
cursor = connection.cursor()


def rows(statement, parameters=None):
    cursor.execute(statement, parameters)
    return [tuple(row) for row in cursor.fetchall()]


assert rows("SELECT version()")[0][0].startswith("4."), "it is Apache Spark"
assert rows("SELECT current_user(), current_catalog()")[0][1] == "main"
assert rows("SELECT :a + 1, :b", {"a": 41, "b": "it's"}) == [(42, "it's")]
rows("CREATE OR REPLACE TABLE spark_things (id BIGINT, name STRING, price DECIMAL(10,2))")
rows("INSERT INTO spark_things VALUES (1, 'a', 1.5), (2, 'b', NULL), (3, 'c', 2.25)")
assert rows("SELECT count(*), sum(price) FROM main.default.spark_things")[0][0] == 3
cursor.execute("UPDATE spark_things SET name = 'z' WHERE id = 2")
assert cursor.fetchall()[0][0] == 1
cursor.execute("DELETE FROM spark_things WHERE id = 3")
assert cursor.fetchall()[0][0] == 1
rows("MERGE INTO spark_things t USING (SELECT 9L AS id) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)")
assert rows("SELECT id, name FROM spark_things ORDER BY id") == [(1, "a"), (2, "z"), (9, None)]
assert rows("SELECT count(*) FROM spark_things VERSION AS OF 1") == [(3,)]
rows("CREATE OR REPLACE TABLE spark_copies AS SELECT id * 2 AS id FROM spark_things")
assert rows("SELECT max(id) FROM spark_copies") == [(18,)]
rows("CREATE OR REPLACE VIEW spark_view AS SELECT id FROM spark_things WHERE id > 1")
assert rows("SELECT count(*) FROM spark_view") == [(2,)]
assert ("spark_things",) in [row[1:2] for row in rows("SHOW TABLES IN main.default")]
assert rows("SELECT count(*) FROM information_schema.tables WHERE table_name = 'spark_things'") == [(1,)]
assert rows("SELECT count(*) FROM samples.nyctaxi.trips")[0][0] > 1000
cursor.execute("SELECT id, CAST(id AS STRING) t FROM range(400000)")
assert cursor.fetchall_arrow().num_rows == 400000
for statement, error in (
    ("SELECT * FROM nowhere", "TABLE_OR_VIEW_NOT_FOUND"),
    ("SELECT 1/0", "DIVIDE_BY_ZERO"),
    ("SELECT nope FROM spark_things", "UNRESOLVED_COLUMN"),
    ("SELECT CAST('x' AS INT)", "CAST_INVALID_INPUT"),
):
    try:
        rows(statement)
        raise AssertionError(statement)
    except sql.exc.Error as raised:
        assert error in str(raised), raised
cursor.execute_async("SELECT sum(sin(id)) FROM range(1000000000000)")
cursor.cancel()
deadline = time.time() + 60
while cursor.is_query_pending():
    assert time.time() < deadline, "the cancelled statement still runs"
assert connection.cursor().execute("SELECT 1").fetchall()[0][0] == 1
for name in ("TABLE spark_things", "TABLE spark_copies", "VIEW spark_view"):
    rows("DROP " + name)
print("ok")
