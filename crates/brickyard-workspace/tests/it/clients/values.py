"""Values on their way in and out: parameters of every type, intervals, VARIANT, session zones, files of volumes."""

import concurrent.futures
import datetime
import json
import os
import pathlib
from decimal import Decimal

from databricks import sql
from databricks.sdk.core import Config
from databricks.sql.parameters import (
    ArrayParameter, BigIntegerParameter, BooleanParameter, DateParameter, DecimalParameter, DoubleParameter,
    FloatParameter, IntegerParameter, MapParameter, SmallIntParameter, StringParameter, TimestampNTZParameter,
    TimestampParameter, TinyIntParameter, VoidParameter,
)  # fmt: skip

config = Config()


def connect(**arguments):
    return sql.connect(
        server_hostname=config.host,
        http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
        credentials_provider=lambda: config.authenticate,
        **arguments,
    )


connection = connect(staging_allowed_local_path=os.getcwd())
cursor = connection.cursor()


def one(statement, parameters=None):
    cursor.execute(statement, parameters)
    rows = cursor.fetchall()
    assert len(rows) == 1, rows
    return tuple(rows[0])


# Typed parameters keep their type, by name and by place, in queries, DML and DDL.
moment = datetime.datetime(2024, 1, 2, 3, 4, 5, 678901)
typed = [
    (TinyIntParameter(1), "tinyint"), (SmallIntParameter(2), "smallint"), (IntegerParameter(3), "int"),
    (BigIntegerParameter(4), "bigint"), (FloatParameter(0.5), "float"), (DoubleParameter(0.25), "double"),
    (BooleanParameter(True), "boolean"), (StringParameter("it's \\ \"x\""), "string"),
    (DateParameter(datetime.date(2024, 1, 2)), "date"), (TimestampParameter(moment), "timestamp"),
    (TimestampNTZParameter(moment), "timestamp_ntz"), (DecimalParameter(Decimal("1.50")), "decimal(3,2)"),
    (VoidParameter(None), "void"),
]  # fmt: skip
markers = ", ".join("?" for _ in typed)
values = one(f"SELECT {markers}", [parameter for parameter, _ in typed])
types = one("SELECT " + ", ".join("typeof(?)" for _ in typed), [parameter for parameter, _ in typed])
assert list(types) == [name for _, name in typed], types
expected = (1, 2, 3, 4, 0.5, 0.25, True, "it's \\ \"x\"", datetime.date(2024, 1, 2), moment, moment, Decimal("1.50"), None)
plain = tuple(value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value for value in values)
assert plain == expected, values

# Arrays and maps arrive as trees of arguments.
array, mapping = ArrayParameter([1, 2, 3]), MapParameter({"a": 1, "b": 2})
assert one("SELECT array_size(?), aggregate(?, 0, (s, x) -> s + x)", [array, array]) == (3, 6)
assert one("SELECT element_at(?, 'b'), size(?)", [mapping, mapping]) == (2, 2)
assert one("SELECT array_size(?), ?[1][0]", [ArrayParameter([[1], [2, 3]])] * 2) == (2, 2)

cursor.execute("CREATE OR REPLACE TABLE main.default.values_in (id BIGINT, name STRING, at TIMESTAMP)")
cursor.execute("INSERT INTO main.default.values_in VALUES (:id, :name, :at)", {"id": 1, "name": "it's", "at": moment})
cursor.execute("INSERT INTO main.default.values_in VALUES (?, ?, ?)", [2, None, None])
cursor.execute("UPDATE main.default.values_in SET name = :name WHERE id = :id", {"id": 2, "name": "two"})
assert cursor.fetchall()[0][0] == 1
cursor.execute("DELETE FROM IDENTIFIER(:table) WHERE id = :id", {"table": "main.default.values_in", "id": 1})
assert one("SELECT id, name, at FROM main.default.values_in") == (2, "two", None)
cursor.execute("DROP TABLE main.default.values_in")

# NULL, intervals, VARIANT.
assert one("SELECT NULL, typeof(NULL), typeof(:x)", {"x": None}) == (None, "void", "void")
assert one("SELECT INTERVAL '1-2' YEAR TO MONTH, INTERVAL '-3' DAY, timestamp'2024-01-02' - timestamp'2024-01-01'") == (
    "1-2", "-3 00:00:00.000000000", "1 00:00:00.000000000"
)  # fmt: skip
assert one("""SELECT parse_json('{"a": {"b": [1, 2]}}'):a.b[1]::int, variant_get(parse_json('[true]'), '$[0]', 'boolean')""") == (
    2, True
)  # fmt: skip

# Instants are told in the session's zone, whichever way it was set.
instant = "SELECT TIMESTAMP'2024-07-01 12:00:00+00:00' t, CAST(TIMESTAMP'2024-07-01 12:00:00+00:00' AS STRING) s, current_timezone() z"
value, text, zone = one(instant)
assert (value.isoformat(), text, zone) == ("2024-07-01T12:00:00+00:00", "2024-07-01 12:00:00", "Etc/UTC"), (value, text, zone)
cursor.execute("SET TIME ZONE 'Europe/Amsterdam'")
value, text, zone = one(instant)
assert (value.isoformat(), text, zone) == ("2024-07-01T14:00:00+02:00", "2024-07-01 14:00:00", "Europe/Amsterdam"), (value, text)
assert str(cursor.execute(instant).fetchall_arrow().schema.field("t").type) == "timestamp[us, tz=Europe/Amsterdam]"
# So are those that tables keep: their days, hours and texts, in queries and in conditions of writes.
MOMENT = "TIMESTAMP'2022-01-01 00:30:00'"
cursor.execute("CREATE OR REPLACE TABLE main.default.moments (k INT, at TIMESTAMP, many ARRAY<TIMESTAMP>, s STRUCT<at: TIMESTAMP>)")
cursor.execute(f"INSERT INTO main.default.moments SELECT 1, {MOMENT}, array({MOMENT}), named_struct('at', {MOMENT})")
told = "CAST({0} AS STRING), hour({0}), CAST({0} AS DATE), date_trunc('DAY', {0}) = TIMESTAMP'2022-01-01'"
midnight = ("2022-01-01 00:30:00", 0, datetime.date(2022, 1, 1), True)
for at, source in [
    ("at", "moments"), ("many[0]", "moments"), ("s.at", "moments"), ("x", "(SELECT max(at) AS x FROM moments)"),
    ("m.at", "moments AS m JOIN moments AS n ON m.k = n.k"), ("x", "(SELECT explode(many) AS x FROM moments)"),
    ("at", "moments VERSION AS OF 1"),
]:  # fmt: skip
    source = source.replace("moments", "main.default.moments")
    assert one(f"SELECT {told.format(at)} FROM {source}") == midnight, (at, source)
assert one("SELECT at FROM main.default.moments")[0].isoformat() == "2022-01-01T00:30:00+01:00"
assert one("SELECT many, s FROM main.default.moments WHERE at = '2022-01-01 00:30:00' AND hour(at) = 0")
cursor.execute("UPDATE main.default.moments SET at = date_trunc('DAY', at) WHERE hour(at) = 0")
assert one("SELECT CAST(at AS STRING) FROM main.default.moments") == ("2022-01-01 00:00:00",)
cursor.execute(
    "MERGE INTO main.default.moments AS m USING (SELECT 1 AS k) AS s ON m.k = s.k "
    "WHEN MATCHED AND day(m.at) = 1 THEN UPDATE SET at = m.at + INTERVAL 2 HOURS"
)
assert one("SELECT CAST(at AS STRING) FROM main.default.moments") == ("2022-01-01 02:00:00",)
assert cursor.execute("DELETE FROM main.default.moments WHERE day(at) = 31").fetchall()[0][0] == 0
assert cursor.execute("DELETE FROM main.default.moments WHERE hour(at) = 2").fetchall()[0][0] == 1
cursor.execute("DROP TABLE main.default.moments")
with connect(session_configuration={"timezone": "America/New_York"}) as other, other.cursor() as there:
    assert there.execute(instant).fetchall()[0][0].isoformat() == "2024-07-01T08:00:00-04:00"

# Decimals of more digits than a double keeps: as written, where a file holds one value, under filters, in a greatest value;
# after more columns, a clone and OPTIMIZE. How that is done does not show.
wide, less = Decimal("87673.594069654243"), Decimal("87673.594069654242")
cursor.execute("CREATE OR REPLACE TABLE main.default.wide (k INT, x DECIMAL(38,12), s STRUCT<y: DECIMAL(17,12)>)")
cursor.execute("INSERT INTO main.default.wide VALUES (1, ?, named_struct('y', 87673.594069654243))", [wide])
assert one("SELECT x, s.y, max(x) OVER () FROM main.default.wide") == (wide, wide, wide)
cursor.execute("INSERT INTO main.default.wide VALUES (2, 1, NULL)")
cursor.execute("ALTER TABLE main.default.wide ADD COLUMN (z DECIMAL(18,12))")
cursor.execute("INSERT INTO main.default.wide VALUES (3, 0, NULL, ?)", [wide])
cursor.execute("CREATE OR REPLACE TABLE main.default.wider DEEP CLONE main.default.wide")
cursor.execute("OPTIMIZE main.default.wide")
for table in ("main.default.wide", "main.default.wider"):
    assert one(f"SELECT k FROM {table} WHERE x > ?", [less]) == (1,)
    assert one(f"SELECT z FROM {table} WHERE z = ?", [wide]) == (wide,)
    assert one(f"SELECT max(x), max(s.y), max(z), count(*) FROM {table}") == (wide, wide, wide, 3)
    cursor.execute(f"SHOW TBLPROPERTIES {table}")
    assert not [row for row in cursor.fetchall() if "tatistics" in row[0] or "Skipping" in row[0]]
cursor.execute("CREATE OR REPLACE TABLE main.default.wider AS SELECT x FROM main.default.wide")
cursor.execute("INSERT INTO main.default.wider VALUES (2)")
assert one("SELECT max(x), count(*) FROM main.default.wider WHERE x > ?", [less]) == (wide, 1)
cursor.execute("ALTER TABLE main.default.wider SET TBLPROPERTIES ('delta.dataSkippingNumIndexedCols' = '5')")
cursor.execute("SHOW TBLPROPERTIES main.default.wider")
assert ("delta.dataSkippingNumIndexedCols", "5") in [tuple(row) for row in cursor.fetchall()]

# Rows compare part by part (as Apache Spark compares them: a row is never NULL), by literals, parameters and columns.
cursor.execute("CREATE OR REPLACE TABLE main.default.pairs (id INT, x INT, y INT, z STRING)")
cursor.execute("INSERT INTO main.default.pairs VALUES (1, 1, 2, 'a'), (2, 3, 4, 'b'), (3, NULL, 4, 'b')")
for condition, expected in (
    ("(x, y) IN ((1, 2), (3, 4))", [1, 2]), ("(x, z) IN ((1, 'a'), (3, 'c'))", [1]), ("(x, y) NOT IN ((1, 2))", [2, 3]),
    ("(x, y) = (3, 4)", [2]), ("(x, y) <> (3, 4)", [1, 3]), ("NOT (x, y) IN ((1, 2), (5, 6))", [2, 3]),
    ("(x, y) IN (SELECT 1, 2)", [1]), ("(id, x) IN ((3, NULL))", [3]),
):
    cursor.execute(f"SELECT id FROM main.default.pairs WHERE {condition} ORDER BY id")
    assert [row.id for row in cursor.fetchall()] == expected, condition
assert one("SELECT count(*) FROM main.default.pairs WHERE (x, y) IN ((?, ?), (?, ?))", [1, 2, 3, 4]) == (2,)
assert one("SELECT (1, NULL) IN ((1, 2)), (1, NULL) = (1, NULL), (1, 2) IN ((1, 2))") == (False, True, True)

# Casts within arrays, maps and structs of VALUES; a table that has no columns yet; a table that is asked for in no schema.
cursor.execute("CREATE OR REPLACE TABLE main.default.nested (a ARRAY<DATE>, m MAP<STRING, TIMESTAMP>, s STRUCT<d: DATE>)")
days = [datetime.date(2020, 12, 25), datetime.date(2021, 1, 2)]
cursor.execute(
    "INSERT INTO main.default.nested VALUES (?, map('k', CAST('2020-01-01 00:00:00' AS TIMESTAMP)),"
    " named_struct('d', CAST('2020-01-01' AS DATE)))", [ArrayParameter(days)])
assert one("SELECT a[1], m['k'] = TIMESTAMP'2020-01-01', s.d FROM main.default.nested") == (days[1], True, datetime.date(2020, 1, 1))
cursor.execute("CREATE OR REPLACE TEMPORARY VIEW passing AS SELECT 1 AS a, array(CAST(1.5 AS DECIMAL(3,1))) AS b")
told = json.loads(one("DESCRIBE TABLE EXTENDED passing AS JSON")[0])["columns"]
assert [(column["name"], column["type"]["name"]) for column in told] == [("a", "int"), ("b", "array")], told
cursor.execute("CREATE OR REPLACE TABLE main.default.typed (d DECIMAL(9,2), t TIMESTAMP, v VARCHAR(7), m MAP<STRING, ARRAY<INT>>, s STRUCT<f: DATE COMMENT 'day'>)")
told = [column["type"] for column in json.loads(one("DESCRIBE TABLE EXTENDED main.default.typed AS JSON")[0])["columns"]]
text, days = {"name": "string", "collation": "UTF8_BINARY"}, {"name": "f", "type": {"name": "date"}, "nullable": True, "comment": "day"}
assert told == [
    {"name": "decimal", "precision": 9, "scale": 2}, {"name": "timestamp_ltz"}, {"name": "varchar", "length": 7},
    {"name": "map", "key_type": text, "value_nullable": True,
     "value_type": {"name": "array", "element_type": {"name": "int"}, "element_nullable": True}},
    {"name": "struct", "fields": [days]},
], told
assert one("SELECT ?, ?", [Decimal("1E+2"), Decimal("-1.25E+1")]) == (Decimal(100), Decimal("-12.5"))
# Without ansi_mode, a text that is no value of the type is NULL.
lenient = connect(session_configuration={"ansi_mode": False}).cursor()
wrong = "DATE('9999-99-31'), CAST('9999-99-31T15:59:59' AS TIMESTAMP), CAST('x' AS DOUBLE), 'maybe'::BOOLEAN, CAST('x' AS DECIMAL(4,2))"
lenient.execute(f"SELECT {wrong}, DATE(concat('20', '21')), CAST('x' AS INT), CAST('1.5' AS INT), double('1.5'), 1 / 0")
assert tuple(lenient.fetchone()) == (None,) * 5 + (datetime.date(2021, 1, 1), None, 1, 1.5, None)
for expression in ("array(1)[5]", "2147483647 + 1"):
    try:
        lenient.execute(f"SELECT {expression}")
        raise AssertionError("what is not done without ansi_mode is an error still")
    except sql.exc.Error as error:
        assert "INVALID_ARRAY_INDEX" in str(error) or "ARITHMETIC_OVERFLOW" in str(error), error
cursor.execute("CREATE TABLE main.default.bare ()")
assert cursor.execute("DESCRIBE TABLE main.default.bare").fetchall() == []
cursor.execute("ALTER TABLE main.default.bare ADD COLUMNS (id INT)")
cursor.execute("INSERT INTO main.default.bare VALUES (1)")
assert one("SELECT * FROM main.default.bare") == (1,)
try:
    cursor.execute("DESCRIBE TABLE EXTENDED main.nowhere.something")
    raise AssertionError("a table in no schema was described")
except sql.exc.Error as error:
    assert "TABLE_OR_VIEW_NOT_FOUND" in str(error), error
for table in ("wide", "wider", "pairs", "nested", "typed", "bare"):
    cursor.execute(f"DROP TABLE main.default.{table}")

# Texts are read as the column's type by `CAST`'s rules when they are written, in every statement that writes.
cursor.execute("CREATE OR REPLACE TABLE main.default.read (at TIMESTAMP, day DATE, n INT, yes BOOLEAN, price DECIMAL(6, 2))")
cursor.execute("INSERT INTO main.default.read VALUES ('2021-01-01 00:01', '2021-1-2', ' 12 ', 'yes', '1.25')")
cursor.execute("INSERT INTO main.default.read (at, n) SELECT '2021-01-01 00:02', '13'")
cursor.execute("UPDATE main.default.read SET at = '2021-01-02 00:03', day = '2021-5' WHERE n = 13")
cursor.execute(
    "MERGE INTO main.default.read USING (SELECT 12 AS k, '2022-01-01 05:06' AS w) AS s ON n = k "
    "WHEN MATCHED THEN UPDATE SET at = w WHEN NOT MATCHED THEN INSERT (at) VALUES (w)"
)
cursor.execute("SELECT CAST(at AS STRING), CAST(day AS STRING), n, yes, CAST(price AS STRING) FROM main.default.read ORDER BY n")
found = [tuple(row) for row in cursor.fetchall()]
assert found == [
    ("2022-01-01 05:06:00", "2021-01-02", 12, True, "1.25"),
    ("2021-01-02 00:03:00", "2021-05-01", 13, None, None),
], found
for refused in ("INSERT INTO main.default.read (at) VALUES ('soon')", "UPDATE main.default.read SET day = 'soon' WHERE n = 12"):
    try:
        cursor.execute(refused)
        raise AssertionError(refused)
    except sql.exc.Error as error:
        assert "CAST_INVALID_INPUT" in str(error), error
cursor.execute("INSERT OVERWRITE main.default.read VALUES ('2021-01-01 00:04', NULL, NULL, NULL, NULL)")
assert one("SELECT CAST(at AS STRING) FROM main.default.read") == ("2021-01-01 00:04:00",)
cursor.execute("DROP TABLE main.default.read")

# Recursion: more than the platform's hundred levels when it is asked for; in views, writes and side by side in one session.
SPINE = "WITH RECURSIVE n(i) MAX RECURSION LEVEL 400 AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
assert one(SPINE.format(366) + "SELECT count(*), max(i) FROM n") == (366, 366)
cursor.execute("CREATE OR REPLACE VIEW main.default.levels AS " + SPINE.format(7) + "SELECT i, i * i AS square FROM n")
assert one("SELECT sum(square) FROM main.default.levels WHERE i > 5") == (85,)
cursor.execute("CREATE OR REPLACE TABLE main.default.spine (i INT)")
cursor.execute(SPINE.format(5) + "INSERT INTO main.default.spine SELECT i FROM n")
cursor.execute("INSERT INTO main.default.spine SELECT l.i FROM main.default.levels l")
assert one("SELECT count(*), sum(i) FROM main.default.spine") == (12, 43)
try:
    cursor.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
    raise AssertionError("a recursion without end ended")
except sql.exc.Error as error:
    assert "RECURSION_LEVEL_LIMIT_EXCEEDED" in str(error) and "42836" in str(error), error
try:
    cursor.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT n.i FROM n CROSS JOIN range(50)) SELECT count(*) FROM n"
    )
    raise AssertionError("a recursion of too many rows ended")
except sql.exc.Error as error:
    assert "RECURSION_ROW_LIMIT_EXCEEDED" in str(error), error
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    def spine(last):
        with connection.cursor() as own:
            return own.execute(SPINE.format(last) + "SELECT i FROM n ORDER BY i").fetchall()

    for last, rows in zip(range(20, 28), pool.map(spine, range(20, 28)), strict=True):
        assert [row[0] for row in rows] == list(range(1, last + 1)), (last, rows)
cursor.execute("DROP VIEW main.default.levels")
cursor.execute("DROP TABLE main.default.spine")

# Functions that call one another in a ring are refused, and what follows is answered.
within = "(SELECT sum(q) FROM (SELECT CASE WHEN x > 1 THEN main.default.{}(x) END AS q))"
for name, body in [("ring", "x"), ("round", within.format("ring")), ("ring", within.format("round"))]:
    cursor.execute(f"CREATE OR REPLACE FUNCTION main.default.{name}(x INT) RETURNS INT RETURN {body}")
try:
    cursor.execute("SELECT main.default.ring(1)")
    raise AssertionError("a ring was followed")
except sql.exc.Error as error:
    assert "VIEW_EXCEED_MAX_NESTED_DEPTH" in str(error), error
assert one("SELECT 1") == (1,)

# Files of volumes by statements: the client moves them itself, by signed addresses.
cursor.execute("CREATE VOLUME IF NOT EXISTS main.default.staged")
file = pathlib.Path("here.txt").absolute()
file.write_text("some text")
place = "/Volumes/main/default/staged/folder/there.txt"
cursor.execute(f"PUT '{file}' INTO '{place}' OVERWRITE")
try:
    cursor.execute(f"PUT '{file}' INTO '{place}'")
    raise AssertionError("a file was replaced without leave")
except sql.exc.Error as error:
    assert "exists" in str(error), error
back = pathlib.Path("back.txt").absolute()
cursor.execute(f"GET '{place}' TO '{back}'")
assert back.read_text() == "some text"
cursor.execute("LIST '/Volumes/main/default/staged/folder'")
assert [pathlib.PurePath(row[0]).name for row in cursor.fetchall()] == ["there.txt"]
cursor.execute(f"REMOVE '{place}'")
try:
    cursor.execute(f"GET '{place}' TO '{back}'")
    raise AssertionError("a removed file was fetched")
except sql.exc.Error as error:
    assert "not" in str(error).lower(), error
cursor.execute("DROP VOLUME main.default.staged")
print("ok")
