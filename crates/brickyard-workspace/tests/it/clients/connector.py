"""What an app does with databricks-sql-connector, old and new, with and without pyarrow."""

import datetime
import os
import time
from decimal import Decimal

from databricks import sql
from databricks.sdk.core import Config

try:
    import pyarrow
except ImportError:
    pyarrow = None

config = Config()
new = int(sql.__version__.split(".")[0]) >= 4


def connect(**arguments):
    return sql.connect(
        server_hostname=config.host,
        http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
        credentials_provider=lambda: config.authenticate,
        **arguments,
    )


def refused(cursor, statement, text, *parameters):
    try:
        cursor.execute(statement, *parameters)
        cursor.fetchall()
    except sql.exc.Error as error:
        assert text in str(error), error
        return
    raise AssertionError(statement + " was not refused")


# Where older tools look for a warehouse.
with sql.connect(
    server_hostname=config.host,
    http_path="/sql/1.0/endpoints/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
    credentials_provider=lambda: config.authenticate,
) as older:
    assert older.cursor().execute("SELECT 1").fetchall()[0][0] == 1

connection = connect()
cursor = connection.cursor()

# Every scalar type, and NULL of it.
cursor.execute(
    "SELECT NULL n, true b, 1Y t, 2S s, 3 i, 4L l, 1.5F f, 2.5D d, 1.50BD c, 'x' st, X'0102' bi, DATE'2021-01-02' da,"
    " TIMESTAMP'2021-01-02 03:04:05.678901' ts, CAST(NULL AS INT) ni, CAST(NULL AS DECIMAL(10,2)) nc,"
    " CAST(NULL AS STRING) ns, CAST(NULL AS TIMESTAMP) nt"
)
row = cursor.fetchall()[0]
assert row.n is None and row.b is True and (row.t, row.s, row.i, row.l) == (1, 2, 3, 4)
assert (row.f, row.d, row.c, row.st, bytes(row.bi)) == (1.5, 2.5, Decimal("1.50"), "x", b"\x01\x02")
assert row.da == datetime.date(2021, 1, 2)
assert row.ts.replace(tzinfo=None) == datetime.datetime(2021, 1, 2, 3, 4, 5, 678901), row.ts
assert (row.ni, row.nc, row.ns, row.nt) == (None, None, None, None)
assert [column[1] for column in cursor.description[:13]] == [
    "string", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "string", "binary",
    "date", "timestamp",
]  # fmt: skip
assert cursor.description[8][4:6] == (3, 2)

# Types that travel as text.
cursor.execute("SELECT INTERVAL '1-2' YEAR TO MONTH ym, INTERVAL '1 02:03:04.5' DAY TO SECOND dt, '数据砖' u")
assert tuple(cursor.fetchone()) == ("1-2", "1 02:03:04.500000000", "数据砖")
cursor.execute("""SELECT parse_json('{"a": [1, 2.5, "x", null]}') v""")
assert cursor.fetchone()[0] == '{"a":[1,2.5,"x",null]}'
assert cursor.description[0][1] == ("variant" if new and pyarrow else "string")
cursor.execute("SELECT array(1, NULL) a, map('k', 1) m, named_struct('x', 1, 'y', 'z') s")
row = cursor.fetchone()
if pyarrow:
    assert (row.m, row.s) == ([("k", 1)], {"x": 1, "y": "z"})
else:
    assert tuple(row) == ("[1,null]", '{"k":1}', '{"x":1,"y":"z"}')

# Parameters.
cursor.execute("SELECT :a a, :b b, :c c", {"a": 1, "b": "it's", "c": None})
assert tuple(cursor.fetchone()) == (1, "it's", None)
cursor.execute("SELECT ? a, ? b, ? c", [2.5, "x", Decimal("1.25")])
assert tuple(cursor.fetchone()) == (2.5, "x", Decimal("1.25"))

# Many rows, in pieces.
cursor.execute("SELECT id, CAST(id AS STRING) t FROM range(250000)")
rows = cursor.fetchmany(7)
assert len(rows) == 7
rows += cursor.fetchall()
assert sorted(row.id for row in rows) == list(range(250000)) and all(row.t == str(row.id) for row in rows)
if pyarrow:
    for compressed in (True, False):
        connection.lz4_compression = compressed
        cursor.execute("SELECT id, TIMESTAMP'2021-01-01 00:00:00' t FROM range(1000)")
        table = cursor.fetchall_arrow()
        assert table.num_rows == 1000 and str(table.schema.field("t").type) == "timestamp[us, tz=Etc/UTC]"
cursor.execute("SELECT id FROM range(3) WHERE id > 5")
assert cursor.fetchall() == [] and cursor.description[0][:2] == ("id", "bigint")

# Errors name their class and keep the connection usable.
refused(cursor, "SELECT * FROM nowhere", "TABLE_OR_VIEW_NOT_FOUND")
refused(cursor, "SELEC 1", "PARSE_SYNTAX_ERROR")
refused(cursor, "SELECT 1/0", "DIVIDE_BY_ZERO")
refused(cursor, "SELECT nope FROM range(1)", "UNRESOLVED_COLUMN")
cursor.execute("SELECT current_user()")
assert cursor.fetchone()[0] == os.environ["DATABRICKS_CLIENT_ID"]

# A statement that runs too long, and one that is cancelled.
slow = "SELECT sum(sin(id)) FROM range(1000000000000)"
limited = connect(session_configuration={"STATEMENT_TIMEOUT": "1"})
refused(limited.cursor(), slow, "QUERY_EXECUTION_TIMEOUT_EXCEEDED")
limited.close()
if new:  # the old connector cannot cancel while it polls: its lock starves the second thread
    cursor.execute_async(slow)
    assert cursor.is_query_pending()
    cursor.cancel()
    deadline = time.time() + 60
    while cursor.is_query_pending():
        assert time.time() < deadline, "the cancelled statement still runs"

# Handles of a closed session are refused.
cursor.close()
connection.close()
try:
    connection.cursor().execute("SELECT 1")
    raise AssertionError("a closed connection was used")
except sql.exc.Error:
    pass
print("ok")
