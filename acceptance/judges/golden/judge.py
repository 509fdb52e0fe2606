"""Apache Spark's golden files (`sql-tests/results` of its test archive) through databricks-sql-connector.

judge.py FOLDER OUT [PART …]: runs every statement of the files whose path holds a PART, one session a file, and writes to
OUT a JSON line for each statement with what was wanted, what came, and how they differ. Prints the counts.
"""

import collections
import datetime
import decimal
import json
import math
import os
import pathlib
import re
import sys
import zoneinfo

import numpy
from databricks import sql

# Functions in Python or Scala, plans, and files that need Apache Spark's own switches or data.
OUTSIDE = re.compile(
    r"^(udf|udaf|udtf)/|^explain|legacy|java21|transform\.sql|old-behavior|view-conf|double-quoted|to_from_avro|describe-part|"
    r"view-with-default|view-schema-binding-config|keywords"
)
ZONE = "America/Los_Angeles"
DATA = {
    "testdata": "SELECT CAST(id AS INT) AS key, CAST(id AS STRING) AS value FROM range(1, 101)",
    "arraydata": "SELECT * FROM VALUES (array(1, 2, 3), array(array(1, 2, 3))), (array(2, 3, 4), array(array(2, 3, 4))) "
    "AS t(arraycol, nestedarraycol)",
    "mapdata": "SELECT * FROM VALUES (map(1, 'a1', 2, 'b1', 3, 'c1', 4, 'd1', 5, 'e1')), "
    "(map(1, 'a2', 2, 'b2', 3, 'c2', 4, 'd2')), (map(1, 'a3', 2, 'b3', 3, 'c3')), (map(1, 'a4', 2, 'b4')), (map(1, 'a5')) "
    "AS t(mapcol)",
}
NUMBERS = "unique1 unique2 two four ten twenty hundred thousand twothousand fivethous tenthous odd even"
WIDE = ", ".join([f"{name} INT" for name in NUMBERS.split()] + [f"{name} STRING" for name in ("stringu1", "stringu2", "string4")])
FILES = {"aggtest": ("agg", "a INT, b FLOAT"), "onek": ("onek", WIDE), "tenk1": ("tenk", WIDE)}


def load(cursor, folder):
    """The tables that the files read, in a schema of their own."""
    cursor.execute("CREATE SCHEMA IF NOT EXISTS main.golden")
    cursor.execute("USE main.golden")
    for table, query in DATA.items():
        cursor.execute(f"CREATE OR REPLACE TABLE {table} AS {query}")
    for table, (file, wanted) in FILES.items():
        cursor.execute(f"CREATE OR REPLACE TABLE {table} ({wanted})")
        quoted = ["(" + ", ".join(f"'{value}'" for value in line.split("\t")) + ")" for line in (folder / f"{file}.data").read_text().splitlines()]
        cast = ", ".join(f"CAST(col{at} AS {one.split()[1]})" for at, one in enumerate(wanted.split(", "), 1))
        for start in range(0, len(quoted), 2000):
            cursor.execute(f"INSERT INTO {table} SELECT {cast} FROM VALUES {', '.join(quoted[start : start + 2000])}")


def statements(path):
    """Text, columns and output of each statement of a golden file."""
    parts = re.split(r"-- !query.*\n", path.read_text())[1:]
    for text, schema, output in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        yield text.strip(), schema.strip(), output.removesuffix("\n").removesuffix("\n").removesuffix("\n")


def columns(schema):
    """Names and types of `struct<name:type,…>`; none where a name makes it ambiguous."""
    inner, depth, start, found = schema.removeprefix("struct<").removesuffix(">"), 0, 0, []
    if not inner:
        return []
    for at, letter in enumerate(inner + ","):
        depth += letter in "<([{"
        depth -= letter in ">)]}"
        if letter == "," and depth == 0:
            found.append(inner[start:at])
            start = at + 1
    pairs = [one.rpartition(":") if "<" not in one else one.partition(":") for one in found]
    return [(name, kind) for name, _, kind in pairs]


def of_double(value):
    """A double as Java writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = decimal.Decimal(repr(value)).as_tuple()
    digits = list(digits)
    while len(digits) > 1 and digits[-1] == 0:
        digits.pop()
        exponent += 1
    if digits == [0]:
        return "-0.0" if sign else "0.0"
    text, size = "".join(map(str, digits)), len(digits) + exponent
    if -3 < size <= 7:
        whole = text[:size].ljust(size, "0") if size > 0 else "0"
        rest = text[size:] if size > 0 else "0" * -size + text
        return ("-" if sign else "") + whole + "." + (rest or "0")
    return ("-" if sign else "") + text[0] + "." + (text[1:] or "0") + f"E{size - 1}"


def shown(value, kind):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if kind == "float":
        return of_double(float(str(numpy.float32(value))))
    if isinstance(value, float):
        return of_double(value)
    if isinstance(value, datetime.datetime):
        if kind == "timestamp" and value.tzinfo:
            value = value.astimezone(zoneinfo.ZoneInfo(ZONE))
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        text = f"{value.year:04}" + text[text.index("-") :]
        return text + (f".{value.microsecond:06}".rstrip("0") if value.microsecond else "")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    return str(value)


def run(cursor, text):
    """Runs a statement; managed tables of other formats, which Unity Catalog has not, are made as Delta."""
    if re.match(r"(?is)create\s+(or\s+replace\s+)?(external\s+)?table", text):
        text = re.sub(r"(?i)\busing\s+(parquet|orc|json|csv)\b", "USING delta", text)
    cursor.execute(text)


def tidy(text):
    """Lines in order, without spaces at their ends."""
    return "\n".join(sorted(line.rstrip() for line in text.split("\n"))).strip("\n")


def alike(one, other):
    """Whether two texts are the same but for the last digits of doubles, which depend on the order in which rows are added."""
    if one == other:
        return True
    cells, others = re.split(r"[\t\n]", one), re.split(r"[\t\n]", other)
    number = re.compile(r"-?\d+\.\d+(E-?\d+)?")

    def close(a, b):
        return number.fullmatch(a) and number.fullmatch(b) and math.isclose(float(a), float(b), rel_tol=1e-9)

    return len(cells) == len(others) and all(a == b or close(a, b) for a, b in zip(cells, others, strict=True))


def compare(cursor, text, schema, output):
    """How a statement's answer differs from the golden one, and the answer."""
    wanted_error = re.search(r'"(?:errorClass|condition)" : "([A-Z0-9_.]+)"', output) if schema == "struct<>" else None
    try:
        run(cursor, text)
        rows = cursor.fetchall() if cursor.description else []
    except Exception as error:  # noqa: BLE001: whatever the client says is what is looked at
        message = str(error)
        got = re.search(r"\[([A-Z0-9_.]+)\]", message)
        got = got[1] if got else "?"
        if got.startswith("UNSUPPORTED_FEATURE") and not (wanted_error and wanted_error[1].startswith("UNSUPPORTED_FEATURE")):
            return "refused", message
        if schema == "struct<>" and ("Exception" in output or wanted_error):
            same = wanted_error and (got == wanted_error[1] or wanted_error[1].split(".")[0] == got.split(".")[0])
            return ("same error" if same else "another error"), message
        return "error", message
    names = [one[0] for one in cursor.description or []]
    kinds = [one[1] for one in cursor.description or []]
    if schema == "struct<>" and ("Exception" in output or wanted_error):
        return "no error", repr([tuple(row) for row in rows][:20])
    if schema == "struct<>" and not output.strip():
        return "same", ""
    wanted = columns(schema)
    exact = [kind for _, kind in wanted] if len(wanted) == len(kinds) else kinds
    lines = sorted("\t".join(shown(value, kind) for value, kind in zip(row, exact, strict=True)) for row in rows)
    got = "\n".join(lines)
    lines_wanted = "\n".join(sorted(line for line in output.split("\n")))
    if any(kind in ("array", "map", "struct", "variant") for kind in kinds):  # nested text is quoted by one of the two alone
        got, lines_wanted = got.replace('"', ""), lines_wanted.replace('"', "")
    answer = json.dumps({"names": names, "kinds": kinds, "rows": got[:4000]})
    if not alike(tidy(got), tidy(lines_wanted)):
        if re.match(r"(?i)(desc|describe|show|explain)\b", text):
            return "described otherwise", answer  # the platform does so too
        return "other rows", answer
    if [name for name, _ in wanted] != names and ",".join(f"{n}" for n in names) not in schema:
        return "other names", answer
    return "same", answer


def main(folder, out, *parts):
    data = pathlib.Path(folder) / "test-data/postgresql"
    folder = pathlib.Path(folder) / "sql-tests/results"
    paths = sorted(folder.rglob("*.sql.out"))
    counts, files = collections.Counter(), {}
    names = ("DATABRICKS_SERVER_HOSTNAME", "DATABRICKS_HTTP_PATH")
    with sql.connect(*(os.environ[one] for one in names), access_token=os.environ["DATABRICKS_TOKEN"]) as connection:
        load(connection.cursor(), data)
    with open(out, "w") as log:
        for path in paths:
            name = str(path.relative_to(folder)).removesuffix(".sql.out")
            if OUTSIDE.search(name) or (parts and not any(part in name for part in parts)):
                continue
            configuration = {"timezone": ZONE, "STATEMENT_TIMEOUT": "20"}
            if name.startswith("nonansi/"):
                configuration["ansi_mode"] = "false"
            schema = "golden_" + re.sub(r"\W", "_", name.lower())
            connection = sql.connect(
                *(os.environ[one] for one in names),
                access_token=os.environ["DATABRICKS_TOKEN"],
                session_configuration=configuration,
                _use_arrow_native_complex_types=False,
            )
            cursor = connection.cursor()
            cursor.execute(f"DROP SCHEMA IF EXISTS main.{schema} CASCADE")
            for left in ("mydb1", "mydb2", "showdb", "s", "s1", "s2"):
                cursor.execute(f"DROP SCHEMA IF EXISTS main.{left} CASCADE")
            cursor.execute(f"CREATE SCHEMA main.{schema}")
            cursor.execute(f"USE main.{schema}")
            for table in [*DATA, *FILES]:
                cursor.execute(f"CREATE TEMPORARY VIEW {table} AS SELECT * FROM main.golden.{table}")
            here = collections.Counter()
            switched = False
            for text, columns_, output in statements(path):
                # What such a switch does is Apache Spark's own; files turn them on for all that follows.
                switched = switched or bool(re.match(r"(?i)set\s+spark\.sql\.(?!ansi|session)", text))
                if switched:
                    here["under a switch"] += 1
                    continue
                verdict, got = compare(cursor, text, columns_, output)
                here[verdict] += 1
                line = {"file": name, "verdict": verdict, "sql": text, "schema": columns_, "wanted": output[:4000], "got": got}
                log.write(json.dumps(line) + "\n")
            connection.close()
            counts += here
            log.flush()
            print(f"{name:60} {dict(here)}", flush=True)
    print(dict(counts), "of", sum(counts.values()))


main(*sys.argv[1:])
