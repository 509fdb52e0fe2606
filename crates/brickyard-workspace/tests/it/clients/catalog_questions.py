# What drivers ask of the catalog: SHOW over whole catalogs, as JDBC and ADBC send it and read it; the connector's
# metadata calls over both protocols.
import os

from databricks import sql

address = os.environ["DATABRICKS_HOST"].removeprefix("https://")
path = "/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"]


def connect(**options):
    return sql.connect(address, path, access_token=os.environ["DATABRICKS_TOKEN"], **options)


thrift = connect().cursor()
sea = connect(use_sea=True).cursor()


def both(statement):
    answers = []
    for cursor in (thrift, sea):
        cursor.execute(statement)
        names = [(column[0], column[1]) for column in cursor.description]
        answers.append((names, [tuple(row) for row in cursor.fetchall()]))
    assert answers[0] == answers[1], (statement, answers)
    return answers[0]


def fails(statement, word):
    for cursor in (thrift, sea):
        try:
            cursor.execute(statement)
        except sql.exc.Error as error:
            assert word in str(error), (statement, error)
        else:
            raise AssertionError(f"{statement} was answered")


for statement in (
    "CREATE CATALOG asked",
    "CREATE SCHEMA asked.north_side",
    "CREATE SCHEMA asked.northXside",
    "CREATE TABLE asked.north_side.parents (a INT NOT NULL, b STRING NOT NULL, CONSTRAINT parents_pk PRIMARY KEY (a, b))",
    """CREATE TABLE asked.north_side.child_things (
        id BIGINT GENERATED ALWAYS AS IDENTITY, price DECIMAL(12,3) COMMENT 'what it costs', b STRING, a INT NOT NULL,
        twice INT GENERATED ALWAYS AS (a * 2),
        CONSTRAINT of_parents FOREIGN KEY (a, b) REFERENCES asked.north_side.parents (a, b))""",
    "CREATE TABLE asked.northXside.childXthings (id INT)",
    "CREATE VIEW asked.north_side.seen AS SELECT 1 AS one",
    "CREATE FUNCTION asked.north_side.grow(x INT) RETURNS INT COMMENT 'by one' RETURN x + 1",
    "CREATE FUNCTION asked.north_side.grown() RETURNS TABLE (x INT) RETURN SELECT 1",
):
    thrift.execute(statement)

names, rows = both("SHOW SCHEMAS IN `asked` LIKE 'north.side'")
assert names == [("databaseName", "string")] and sorted(rows) == [("north_side",), ("northxside",)], rows
assert both("SHOW SCHEMAS IN `asked` LIKE 'north_side'")[1] == [("north_side",)]
names, rows = both("SHOW SCHEMAS IN ALL CATALOGS LIKE 'north_side'")
assert names == [("databaseName", "string"), ("catalog", "string")] and rows == [("north_side", "asked")], rows

names, rows = both("SHOW TABLES IN CATALOG `asked` SCHEMA LIKE 'north.side' LIKE 'child.things|seen'")
assert [name for name, _ in names] == [
    "namespace", "tableName", "isTemporary", "information", "catalogName", "tableType", "remarks"], names
assert sorted((row[0], row[1], row[2], row[4], row[5]) for row in rows) == [
    ("north_side", "child_things", False, "asked", "TABLE"),
    ("north_side", "seen", False, "asked", "VIEW"),
    ("northxside", "childxthings", False, "asked", "TABLE")], rows
assert both("SHOW TABLES IN ALL CATALOGS SCHEMA LIKE 'north_side' LIKE 'seen'")[1][0][4] == "asked"

names, rows = both("SHOW COLUMNS IN CATALOG `asked` SCHEMA LIKE 'north_side' TABLE LIKE 'child_things' LIKE '*'")
assert names == [
    ("col_name", "string"), ("catalogName", "string"), ("namespace", "string"), ("tableName", "string"),
    ("columnType", "string"), ("columnSize", "int"), ("decimalDigits", "int"), ("radix", "int"),
    ("isNullable", "string"), ("remarks", "string"), ("ordinalPosition", "int"), ("isAutoIncrement", "string"),
    ("isGenerated", "string")], names
table = ("asked", "north_side", "child_things")
assert rows == [
    ("id", *table, "BIGINT", 8, 0, 10, "true", None, 0, "YES", "NO"),
    ("price", *table, "DECIMAL(12,3)", 12, 3, 10, "true", "what it costs", 1, "NO", "NO"),
    ("b", *table, "STRING", None, None, None, "true", None, 2, "NO", "NO"),
    ("a", *table, "INT", 4, 0, 10, "false", None, 3, "NO", "NO"),
    ("twice", *table, "INT", 4, 0, 10, "true", None, 4, "NO", "YES")], rows
names, rows = both("SHOW COLUMNS IN CATALOG asked TABLE LIKE 'child.things' LIKE 'i.'")
assert sorted(row[:4] for row in rows) == [
    ("id", *table), ("id", "asked", "northxside", "childxthings")], rows
assert len(both("SHOW COLUMNS IN ALL CATALOGS SCHEMA LIKE 'north_side' TABLE LIKE 'parents'")[1]) == 2

names, rows = both("SHOW KEYS IN CATALOG `asked` IN SCHEMA `north_side` IN TABLE `parents`")
assert [name for name, _ in names] == [
    "catalogName", "namespace", "tableName", "col_name", "keySeq", "constraintName"], names
assert rows == [("asked", "north_side", "parents", column, at, "parents_pk") for at, column in ((1, "a"), (2, "b"))]
names, rows = both("SHOW FOREIGN KEYS IN CATALOG `asked` IN SCHEMA `north_side` IN TABLE `child_things`")
assert rows == [
    ("asked", "north_side", "parents", column, *table, column, at, 3, 3, "of_parents", 7)
    for at, column in ((1, "a"), (2, "b"))], rows
assert [name for name, _ in names][:8] == [
    "parentCatalogName", "parentNamespace", "parentTableName", "parentColName", "catalogName", "namespace",
    "tableName", "col_name"], names
assert both("SHOW FOREIGN KEYS IN CATALOG asked IN SCHEMA north_side IN TABLE parents")[1] == []

names, rows = both("SHOW FUNCTIONS IN CATALOG `asked` SCHEMA LIKE 'north.side' LIKE 'gr*'")
assert [name for name, _ in names] == [
    "functionName", "catalogName", "namespace", "remarks", "functionType", "specificName"], names
assert rows == [
    ("grow", "asked", "north_side", "by one", 1, "asked.north_side.grow"),
    ("grown", "asked", "north_side", None, 2, "asked.north_side.grown")], rows

# The same from the information schema, joined as dbt and the JDBC driver join it.
names, rows = both("""
    SELECT kcu.constraint_name, kcu.column_name, kcu.position_in_unique_constraint, ukcu.table_name, ukcu.column_name
    FROM asked.information_schema.key_column_usage kcu
    JOIN asked.information_schema.referential_constraints rc ON kcu.constraint_name = rc.constraint_name
    JOIN asked.information_schema.key_column_usage ukcu
      ON rc.unique_constraint_name = ukcu.constraint_name AND kcu.ordinal_position = ukcu.ordinal_position
    WHERE kcu.table_name = 'child_things' ORDER BY kcu.ordinal_position""")
assert rows == [("of_parents", "a", 1, "parents", "a"), ("of_parents", "b", 2, "parents", "b")], rows
names, rows = both("SELECT * FROM asked.information_schema.referential_constraints")
assert rows == [
    ("asked", "north_side", "of_parents", "asked", "north_side", "parents_pk", "FULL", "NO ACTION", "NO ACTION")], rows
names, rows = both(
    "SELECT table_name, column_name, constraint_name FROM system.information_schema.constraint_column_usage"
    " WHERE table_catalog = 'asked' ORDER BY ALL")
assert rows == [
    ("parents", column, name) for column in "ab" for name in ("of_parents", "parents_pk")], rows
names, rows = both(
    "SELECT table_name, constraint_name FROM asked.information_schema.constraint_table_usage ORDER BY ALL")
assert rows == [("parents", "of_parents"), ("parents", "parents_pk")], rows
names, rows = both(
    "SELECT specific_name, parameter_name, data_type, numeric_precision, is_result FROM asked.information_schema.parameters")
assert rows == [("grow", "x", "INT", 10, "NO")], rows
names, rows = both("SELECT specific_name, column_name, full_data_type FROM asked.information_schema.routine_columns")
assert rows == [("grown", "x", "INT")], rows
thrift.execute("GRANT EXECUTE ON FUNCTION asked.north_side.grow TO `account users`")
names, rows = both(
    "SELECT grantee, routine_name, privilege_type FROM asked.information_schema.routine_privileges WHERE inherited_from = 'NONE'")
assert rows == [("account users", "grow", "EXECUTE")], rows
for empty in ("check_constraints", "volume_tags", "volume_privileges"):
    assert both(f"SELECT * FROM asked.information_schema.{empty}")[1] == [], empty
for cursor in (thrift, sea):
    cursor.execute(
        "SELECT routine_catalog, routine_schema, routine_name, comment, specific_name FROM"
        " `asked`.information_schema.routines WHERE routine_type = 'FUNCTION' AND routine_schema LIKE :schema AND routine_name LIKE :name"
        " ORDER BY routine_catalog, routine_schema, routine_name", {"schema": "north\\_side", "name": "gr%"})
    assert [row.routine_name for row in cursor.fetchall()] == ["grow", "grown"]

fails("SHOW SCHEMAS IN `nowhere`", "NO_SUCH_CATALOG_EXCEPTION")
fails("SHOW COLUMNS IN CATALOG `nowhere`", "NO_SUCH_CATALOG_EXCEPTION")
fails("SHOW FUNCTIONS IN CATALOG `nowhere`", "NO_SUCH_CATALOG_EXCEPTION")
fails("SHOW KEYS IN CATALOG asked IN SCHEMA north_side IN TABLE nowhere", "TABLE_OR_VIEW_NOT_FOUND")
fails("SHOW FOREIGN KEYS IN CATALOG asked IN SCHEMA north_side IN TABLE nowhere", "TABLE_OR_VIEW_NOT_FOUND")
fails("SHOW FOREIGN KEYS IN CATALOG asked", "PARSE_SYNTAX_ERROR")

# The connector's own calls: each protocol has its names of columns, the things are the same.
assert ("asked",) in [tuple(row) for row in sea.catalogs().fetchall()]
assert [row[0] for row in sea.schemas("asked", "north_side").fetchall()] == ["north_side"]
for kinds, expected in ((None, ["child_things", "parents", "seen"]), (["VIEW"], ["seen"])):
    found = sea.tables("asked", "north_side", table_types=kinds).fetchall()
    assert sorted(row.tableName for row in found) == expected, found
    found = thrift.tables("asked", "north\\_side", table_types=kinds).fetchall()
    assert sorted(row.TABLE_NAME for row in found) == expected, found
over_sea = [(row.col_name, row.columnType, row.ordinalPosition) for row in sea.columns("asked", "north_side", "child_things")]
over_thrift = [(row.COLUMN_NAME, row.TYPE_NAME, row.ORDINAL_POSITION) for row in
               thrift.columns("asked", "north\\_side", "child\\_things")]
assert [name for name, *_ in over_sea] == ["id", "price", "b", "a", "twice"] and over_sea == over_thrift, (over_sea, over_thrift)
thrift.execute("DROP CATALOG asked CASCADE")
print("ok")
