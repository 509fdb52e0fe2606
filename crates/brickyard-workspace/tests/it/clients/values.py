"""Values on their way in and out: parameters of every type, intervals, VARIANT, session zones, files of volumes."""

import datetime
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
with connect(session_configuration={"timezone": "America/New_York"}) as other, other.cursor() as there:
    assert there.execute(instant).fetchall()[0][0].isoformat() == "2024-07-01T08:00:00-04:00"

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
