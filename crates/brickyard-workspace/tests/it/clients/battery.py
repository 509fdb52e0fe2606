"""Runs every statement of the battery and compares: rows, columns, error class; says which do not fit the file."""

import datetime
import decimal
import json
import os
import re

from databricks import sql

work = os.environ["WORK"]
with open(os.path.join(work, "battery.json")) as file:
    battery = json.load(file)
connection = sql.connect(
    server_hostname=os.environ["DATABRICKS_HOST"],
    http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
    access_token=os.environ["DEVELOPER_TOKEN"],
    staging_allowed_local_path=work,
)


def cell(value):
    """A value as the file writes it: decimals, dates and times as text, structs as lists, maps as objects."""
    if isinstance(value, (decimal.Decimal, datetime.date, datetime.time, datetime.timedelta)):
        if isinstance(value, datetime.datetime):
            return str(value.replace(tzinfo=None))
        return str(value)
    if isinstance(value, dict):
        return [cell(part) for part in value.values()]
    if isinstance(value, list) and value and all(isinstance(part, tuple) for part in value):
        return {str(key): cell(part) for key, part in value}
    if isinstance(value, (list, tuple)):
        return [cell(part) for part in value]
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return value


def same(got, want):
    if want == "*":
        return True
    if isinstance(want, str) and want.startswith("~"):
        return re.search(want[1:], got if isinstance(got, str) else json.dumps(got)) is not None
    if want in ([], {}) and got in ([], {}):
        return True  # a map without entries is written as either
    if isinstance(got, bool) or isinstance(want, bool):
        return got is want
    if isinstance(got, (int, float)) and isinstance(want, (int, float)):
        return abs(got - want) <= 1e-9 * max(abs(got), abs(want), 1)
    if isinstance(got, list) and isinstance(want, list):
        return len(got) == len(want) and all(same(a, b) for a, b in zip(got, want))
    if isinstance(got, dict) and isinstance(want, dict):
        return got.keys() == want.keys() and all(same(got[key], want[key]) for key in got)
    return got == want


def fits(entry, columns, rows):
    want = entry["want"]
    ordered = "ORDER BY" in entry["sql"].upper()
    if isinstance(want, list):
        left, right = rows, want
        if not ordered:
            left, right = (sorted(side, key=lambda row: json.dumps(row)) for side in (left, right))
        return same(left, right)
    if isinstance(want, dict):
        if "columns" in want and columns != want["columns"]:
            return False
        if "rows" in want and not same(rows, want["rows"]):
            return False
        return all(any(same(row, wanted) for row in rows) for wanted in want.get("has", []))
    return False


def arguments(args):
    def value(one):
        if isinstance(one, str) and one.startswith("DATE:"):
            return datetime.date.fromisoformat(one[5:])
        return one

    if isinstance(args, dict):
        return {name: value(one) for name, one in args.items()}
    return [value(one) for one in args]


def run(statement, args=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, *([arguments(args)] if args else []))
        columns = [column[0] for column in cursor.description or []]
        if not cursor.description or not cursor.active_result_set:
            return columns, []
        table = cursor.fetchall_arrow()
        rows = [[cell(value) for value in row.values()] if len(set(table.column_names)) == len(table.column_names)
                else [cell(table.column(at)[index].as_py()) for at in range(table.num_columns)]
                for index, row in enumerate(table.to_pylist())]
        return columns, rows


def write(name, text):
    with open(os.path.join(work, name), "w") as file:
        file.write(text)


write("a.csv", "id,name\n1,x\n2,y\n3,z\n")
write("a.json", '{"id":1}\n{"id":2}\n{"id":3}\n')
for statement in [
    "CREATE CATALOG lake",
    "CREATE SCHEMA lake.sales",
    """CREATE TABLE lake.sales.orders (id BIGINT, customer STRING, region STRING, amount DECIMAL(10,2), order_date DATE,
       ts TIMESTAMP, tags ARRAY<STRING>, attrs MAP<STRING, STRING>, addr STRUCT<city: STRING, zip: STRING>, payload STRING)""",
    """INSERT INTO lake.sales.orders VALUES
       (1,'ann','eu',10.50,DATE'2024-01-05',TIMESTAMP'2024-01-05 10:00:00',array('a','b'),map('k','v'),named_struct('city','rome','zip','00100'),'{"a":1,"b":{"c":["x"]}}'),
       (2,'ann','eu',50.00,DATE'2024-01-15',TIMESTAMP'2024-01-15 10:00:00',CAST(NULL AS ARRAY<STRING>),map('k','w'),named_struct('city','oslo','zip','0150'),'{"a":2}'),
       (3,'bob','eu',120.00,DATE'2024-01-25',TIMESTAMP'2024-01-25 10:00:00',array('c'),map('k','x'),named_struct('city','bonn','zip','53111'),'{}'),
       (4,'cat','us',75.25,DATE'2024-02-05',TIMESTAMP'2024-02-05 10:00:00',array('d'),map('k','y'),named_struct('city','reno','zip','89501'),'{}'),
       (5,'dan','us',200.00,DATE'2024-02-15',TIMESTAMP'2024-02-15 10:00:00',array('e'),map('k','z'),named_struct('city','waco','zip','76701'),'{}'),
       (6,'eve','us',51.00,DATE'2024-02-25',TIMESTAMP'2024-02-25 10:00:00',array('f'),map('k','q'),named_struct('city','mesa','zip','85201'),'{}')""",
    "CREATE TABLE lake.sales.part (id INT, p STRING) PARTITIONED BY (p)",
    "INSERT INTO lake.sales.part VALUES (1, 'a'), (2, 'b')",
    "CREATE FUNCTION lake.sales.mk(s STRING) RETURNS STRING RETURN 'x'",
    "CREATE TABLE lake.sales.cp",
    "CREATE VOLUME lake.sales.data",
    "CREATE VOLUME lake.sales.vol",
    f"PUT '{work}/a.csv' INTO '/Volumes/lake/sales/data/a.csv'",
    f"PUT '{work}/a.csv' INTO '/Volumes/lake/sales/vol/a.csv'",
    f"PUT '{work}/a.json' INTO '/Volumes/lake/sales/data/a.json'",
    f"CREATE TABLE lake.sales.dl USING DELTA LOCATION '{work}/dl' AS SELECT CAST(id AS INT) AS id FROM range(3)",
    "INSERT OVERWRITE DIRECTORY '/Volumes/lake/sales/data/a.parquet' USING PARQUET SELECT id FROM range(3)",
    "DROP TABLE lake.sales.dl",
]:
    try:
        run(statement)
    except sql.exc.Error as error:
        print("SETUP", statement[:80], "\n   ", str(error)[:300])
for folder, _, names in os.walk(os.path.join(work, "dl")):
    for name in names:
        path = os.path.join(folder, name)
        run(f"PUT '{path}' INTO '/Volumes/lake/sales/data/{os.path.relpath(path, work)}'")

problems = []
run("USE lake.sales")
with open(os.path.join(work, "semantics.json")) as file:
    semantics = json.load(file)
for entry in semantics:
    want = entry["want"]
    try:
        columns, rows = run(entry["sql"])
        good, said = isinstance(want, list) and fits(entry, columns, rows), json.dumps(rows)
    except Exception as error:
        good, said = isinstance(want, str) and f"[{want[4:]}" in str(error), str(error)
    if not good:
        problems.append(f"{entry['sql']}\n   got  {said[:400]}\n   want {json.dumps(want)[:300]}")
run("USE main.default")

counts = {"pass": 0, "refused": 0}
for entry in battery:
    # Files of the client and of tables by location lie in the work directory, what the warehouse reads on a volume.
    text = entry["sql"]
    local = re.search(r"LOCATION '\{DATA\}|PUT '|TO '\{DATA\}|OPTIONS \(path", text)
    text = text.replace("{DATA}", work if local else "/Volumes/lake/sales/data")
    want = entry["want"]
    if entry["id"] == 284:
        run("DROP VOLUME lake.sales.vol")
    try:
        columns, rows = run(text, entry["args"])
        outcome = None
    except Exception as error:
        outcome = str(error)
    if outcome is None:
        good = not entry.get("refused") and fits(entry, columns, rows)
        said = json.dumps({"columns": columns, "rows": rows})[:600]
    else:
        found = re.search(r"\[([A-Z][A-Z0-9_.]+)\]", outcome)
        name = found.group(1) if found else ""
        wanted = entry.get("refused") or (want[4:] if isinstance(want, str) else "none")
        good = name == wanted or name.startswith(wanted + ".")
        # What is refused names what, and says what to do instead.
        good = good and (not entry.get("refused") or ("Hint: " in outcome and entry["names"] in outcome))
        said = outcome[:400]
    if good:
        counts["refused" if entry.get("refused") else "pass"] += 1
    else:
        problems.append(f"{entry['id']} {text[:150]}\n   got  {said}\n   want {json.dumps(want)[:300]} {entry.get('refused', '')}")
print(counts, "of", len(battery))
for problem in problems:
    print(problem)
if not problems:
    print("ok")
