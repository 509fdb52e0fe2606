"""Ada, who may read some rows of one table, tries to see the others by every road."""

import os

from databricks import sql


def connect(token):
    return sql.connect(
        server_hostname=os.environ["DATABRICKS_HOST"],
        http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
        access_token=token,
    )


developer, ada = connect(os.environ["DEVELOPER_TOKEN"]), connect(os.environ["ADA_TOKEN"])
HIDDEN = "hidden-value"


def rows(connection, statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, *parameters)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def sees_nothing(statement, *parameters):
    """Ada gets an error or rows; neither tells what is hidden."""
    try:
        found = str(rows(ada, statement, *parameters))
    except sql.exc.Error as error:
        found = str(error)
    assert HIDDEN not in found, f"{statement}: {found[:500]}"
    return found


def refused(connection, statement, *texts, parameters=()):
    try:
        found = rows(connection, statement, *parameters)
    except sql.exc.Error as error:
        assert any(text in str(error) for text in texts), f"{statement}: {error}"
        assert HIDDEN not in str(error), f"{statement}: {error}"
        return
    raise AssertionError(f"{statement} gave {found}")


for statement in [
    "CREATE SCHEMA main.vault",
    "USE main.vault",
    "CREATE TABLE orders (id INT, item STRING)",
    f"INSERT INTO orders VALUES (1, '{HIDDEN}'), (2, '7'), (3, '{HIDDEN}'), (4, '9')",
    "UPDATE orders SET id = id WHERE id = 1",
    "CREATE TABLE secret AS SELECT * FROM orders",
    "CREATE FUNCTION seen(i INT) RETURNS BOOLEAN RETURN current_user() LIKE 'dev%' OR i % 2 = 0",
    "ALTER TABLE orders SET ROW FILTER seen ON (id)",
    "CREATE VIEW even AS SELECT item, id FROM secret WHERE id % 2 = 0",
    "CREATE FUNCTION evens() RETURNS TABLE (item STRING) RETURN SELECT item FROM secret WHERE id % 2 = 0",
    "GRANT USE CATALOG ON CATALOG main TO `ada@example.com`",
    "GRANT USE SCHEMA ON SCHEMA main.vault TO `ada@example.com`",
    "GRANT SELECT ON TABLE orders TO `ada@example.com`",
    "GRANT SELECT ON VIEW even TO `ada@example.com`",
    "GRANT EXECUTE ON FUNCTION evens TO `ada@example.com`",
    "CREATE VOLUME files",
]:
    rows(developer, statement)
place = rows(developer, "SELECT location FROM (DESCRIBE DETAIL orders)")[0][0]
hidden_place = rows(developer, "SELECT location FROM (DESCRIBE DETAIL secret)")[0][0]
denied = ["INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED", "INVALID_PARAMETER_VALUE", "does not have"]

# What she may see, she sees.
seen = [(2, "7"), (4, "9")]
assert rows(ada, "SELECT * FROM main.vault.orders ORDER BY id") == seen
assert rows(ada, "SELECT id, item FROM main.vault.even ORDER BY id") == seen
assert rows(ada, "SELECT item FROM main.vault.evens() ORDER BY item") == [("7",), ("9",)]

# Errors of her own conditions tell nothing of rows that a filter, a view or a function hides.
for source in ["main.vault.orders", "main.vault.even", "main.vault.evens()"]:
    for condition in [
        "CAST(item AS INT) > 0",
        "1 / (CAST(item AS INT)) >= 0",
        "raise_error(item) IS NULL OR item < 'a'",
        "CASE WHEN item LIKE 'h%' THEN raise_error(item) ELSE 'x' END = 'x'",
        "assert_true(item < 'a', item) IS NULL",
        "from_json(item, 'INT', map('mode', 'FAILFAST')) IS NOT NULL",
        "to_date(item) IS NULL",
    ]:
        sees_nothing(f"SELECT * FROM {source} WHERE {condition}")
        sees_nothing(f"SELECT count(*) FROM {source} a JOIN {source} b ON {condition.replace('item', 'a.item')}")
assert rows(ada, "SELECT * FROM main.vault.orders WHERE CAST(item AS INT) > 0 ORDER BY id") == seen
assert rows(ada, "SELECT sum(CAST(item AS INT)) FROM main.vault.even") == [(16,)]

# Time travel, versions, samples, set operations, subqueries, scripts.
for travel in ["VERSION AS OF 1", "VERSION AS OF 2", "@v1", "TIMESTAMP AS OF current_timestamp()"]:
    found = sees_nothing(f"SELECT * FROM main.vault.orders {travel}".replace(" @", "@"))
    refused(ada, f"SELECT * FROM main.vault.secret {travel}".replace(" @", "@"), *denied)
for statement in [
    "TABLE main.vault.orders",
    "SELECT * FROM main.vault.orders TABLESAMPLE (100 PERCENT)",
    "SELECT * FROM main.vault.orders EXCEPT SELECT 0, ''",
    "SELECT (SELECT max(item) FROM main.vault.orders)",
    "SELECT * FROM (SELECT 1) WHERE EXISTS (SELECT 1 FROM main.vault.orders WHERE item LIKE 'hidden%')",
    "WITH o AS (SELECT * FROM main.vault.orders) SELECT * FROM o UNION ALL SELECT * FROM o",
    "FROM main.vault.orders |> SELECT item",
    "BEGIN DECLARE x STRING; SET x = (SELECT max(item) FROM main.vault.orders); SELECT x; END",
    "BEGIN FOR r AS SELECT item FROM main.vault.orders DO SELECT r.item; END FOR; END",
    "EXECUTE IMMEDIATE 'SELECT collect_list(item) FROM main.vault.orders'",
    "DESCRIBE HISTORY main.vault.orders",
    "DESCRIBE EXTENDED main.vault.orders",
    "DESCRIBE DETAIL main.vault.orders",
    "SHOW TBLPROPERTIES main.vault.orders",
    "EXPLAIN SELECT * FROM main.vault.orders WHERE item = 'x'",
    "EXPLAIN EXTENDED SELECT * FROM main.vault.even",
    "SELECT * FROM main.information_schema.columns WHERE table_schema = 'vault'",
    "SELECT * FROM system.information_schema.views",
    "SELECT * FROM system.query.history",
]:
    sees_nothing(statement)
assert "SecureView" in sees_nothing("EXPLAIN SELECT * FROM main.vault.even")

# What she has no grant for, by name, by path, by parameter, by a copy.
for statement in [
    "SELECT * FROM main.vault.secret",
    "EXPLAIN SELECT * FROM main.vault.secret",
    "DESCRIBE main.vault.secret",
    "DESCRIBE QUERY SELECT * FROM main.vault.secret",
    "DESCRIBE HISTORY main.vault.secret",
    "SELECT * FROM (DESCRIBE HISTORY main.vault.secret)",
    "SHOW COLUMNS IN main.vault.secret",
    "SHOW CREATE TABLE main.vault.secret",
    "ANALYZE TABLE main.vault.secret COMPUTE STATISTICS",
    "BEGIN SELECT * FROM main.vault.secret; END",
    "BEGIN FOR r AS SELECT item FROM main.vault.secret DO SELECT r.item; END FOR; END",
    "EXECUTE IMMEDIATE 'SELECT * FROM main.vault.secret'",
    "EXECUTE IMMEDIATE 'SELECT * FROM ' || 'main.vault.secret'",
    "CREATE TEMPORARY VIEW peek AS SELECT * FROM main.vault.secret",
    "CREATE VIEW workspace.default.peek AS SELECT * FROM main.vault.secret",
    "CREATE TEMPORARY FUNCTION peek() RETURNS STRING RETURN (SELECT max(item) FROM main.vault.secret)",
    "CREATE FUNCTION workspace.default.peek() RETURNS STRING RETURN (SELECT max(item) FROM main.vault.secret)",
    "CREATE TABLE workspace.default.copied AS SELECT * FROM main.vault.secret",
    "CREATE TABLE workspace.default.copied DEEP CLONE main.vault.secret",
    "CREATE TABLE workspace.default.copied SHALLOW CLONE main.vault.secret",
    "INSERT OVERWRITE DIRECTORY '/Volumes/main/vault/files/x' USING csv SELECT 1",
    "OPTIMIZE main.vault.secret",
    "VACUUM main.vault.secret",
    "RESTORE TABLE main.vault.secret TO VERSION AS OF 0",
    "UPDATE main.vault.secret SET item = ''",
    "MERGE INTO main.vault.secret t USING (SELECT 1 id) s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "DELETE FROM main.vault.orders",
    "OPTIMIZE main.vault.orders",
    "UNDROP TABLE main.vault.secret",
]:
    refused(ada, statement, *denied, "cannot be found")
refused(ada, "CREATE TABLE workspace.default.copied DEEP CLONE main.vault.orders", "CLONE")
refused(ada, "SELECT * FROM IDENTIFIER(:t)", *denied, parameters=({"t": "main.vault.secret"},))
refused(ada, "SELECT * FROM IDENTIFIER('main.vault.' || ?)", *denied, parameters=(["secret"],))
injected = "x' OR 1=1 UNION SELECT id, item FROM main.vault.secret --"
assert rows(ada, "SELECT * FROM main.vault.orders WHERE item = :i", {"i": injected}) == []
for path in [place, hidden_place, "file:" + hidden_place, "/Volumes/main/vault/files/../../../.." + hidden_place, "/etc/passwd"]:
    for statement in [
        f"SELECT * FROM delta.`{path}`",
        f"SELECT * FROM parquet.`{path}`",
        f"SELECT * FROM text.`{path}`",
        f"SELECT * FROM binaryFile.`{path}/*`",
        f"SELECT * FROM read_files('{path}', format => 'parquet')",
        f"SELECT * FROM read_files('/Volumes/main/vault/files', format => 'parquet', path => '{path}')",
        f"CREATE TABLE workspace.default.taken LOCATION '{path}'",
        f"CREATE TABLE workspace.default.taken USING parquet LOCATION '{path}'",
        f"CREATE TABLE workspace.default.taken USING parquet OPTIONS (path '{path}')",
        f"CREATE TEMPORARY VIEW taken USING parquet OPTIONS (path '{path}')",
        f"CREATE EXTERNAL VOLUME workspace.default.taken LOCATION '{path}'",
        f"COPY INTO workspace.default.taken FROM '{path}' FILEFORMAT = PARQUET",
        f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT 1 AS a",
        f"LIST '{path}'",
        f"GET '{path}' TO '/tmp/x'",
    ]:
        sees_nothing(statement)
        refused(ada, statement, *denied, "UNSUPPORTED_FEATURE", "does not exist", "cannot be found", "PATH", "must be", "RESOURCE_DOES_NOT_EXIST", "TABLE_OR_VIEW")
for slot in ["__slot_00", "__slot_01", "uc", "spark_catalog", "__system"]:
    sees_nothing(f"SELECT * FROM {slot}.vault.secret")
    refused(ada, f"SELECT * FROM `{slot}`.vault.secret", "cannot be found", *denied)

# Whoever may read one volume may not reach further through it.
rows(developer, "GRANT READ VOLUME ON VOLUME main.vault.files TO `ada@example.com`")
for statement in [
    f"SELECT * FROM read_files('/Volumes/main/vault/files', format => 'parquet', path => '{hidden_place}')",
    f"SELECT * FROM read_files('/Volumes/main/vault/files', format => 'parquet', `path` => '{hidden_place}')",
    f"CREATE TEMPORARY VIEW taken USING parquet OPTIONS (path '/Volumes/main/vault/files', `path` '{hidden_place}')",
    f"SELECT * FROM parquet.`/Volumes/main/vault/files/..{hidden_place}`",
]:
    sees_nothing(statement)
sees_nothing("SELECT * FROM taken")

# What is computed for whoever writes reads no table and calls nobody's function; a mask's function must be hers to call.
rows(developer, "GRANT MODIFY ON TABLE secret TO `ada@example.com`")
rows(developer, "CREATE FUNCTION looks(i INT) RETURNS STRING RETURN (SELECT max(item) FROM secret WHERE id = i)")
rows(ada, "CREATE TABLE workspace.default.own (id INT, n STRING)")
peek = "(SELECT max(item) FROM main.vault.secret)"
for statement in [
    f"CREATE TABLE workspace.default.trap (id INT, n STRING DEFAULT {peek})",
    "CREATE TABLE workspace.default.trap (id INT, n STRING DEFAULT main.vault.looks(1))",
    f"CREATE TABLE workspace.default.trap (id INT, n STRING DEFAULT CASE WHEN EXISTS {peek} THEN 'x' END)",
    f"ALTER TABLE workspace.default.own ALTER COLUMN n SET DEFAULT {peek}",
    f"ALTER TABLE workspace.default.own ADD COLUMN m STRING DEFAULT {peek}",
    f"CREATE FUNCTION workspace.default.trap(n STRING DEFAULT {peek}) RETURNS STRING RETURN n",
]:
    refused(ada, statement, "INVALID_DEFAULT_VALUE")
refused(
    ada,
    f"CREATE TABLE workspace.default.trap (id INT, n STRING GENERATED ALWAYS AS ({peek}))",
    "DELTA_UNSUPPORTED_EXPRESSION_GENERATED_COLUMN",
)
for statement in [
    "CREATE TABLE workspace.default.trap (id INT MASK main.vault.looks)",
    "CREATE TABLE workspace.default.trap (id INT) WITH ROW FILTER main.vault.looks ON (id)",
    "ALTER TABLE workspace.default.own ALTER COLUMN id SET MASK main.vault.looks",
    "ALTER TABLE workspace.default.own SET ROW FILTER main.vault.looks ON (id)",
    "SELECT * FROM workspace.default.trap",
    f"ALTER TABLE main.vault.secret ADD CONSTRAINT c CHECK (item NOT LIKE 'hid%')",
    f"ALTER TABLE workspace.default.own ADD CONSTRAINT c CHECK (n <> {peek})",
    "UPDATE main.vault.secret SET id = id WHERE item LIKE 'hid%'",
    "DELETE FROM main.vault.secret WHERE item LIKE 'hid%'",
    "MERGE INTO main.vault.secret t USING (SELECT 1 AS k) ON t.item LIKE 'hid%' WHEN MATCHED THEN UPDATE SET id = t.id",
    "INSERT INTO main.vault.secret SELECT * FROM main.vault.secret",
    f"DECLARE VARIABLE v STRING DEFAULT {peek}",
    f"BEGIN DECLARE c STRING DEFAULT {peek}; SELECT c; END",
    f"BEGIN IF {peek} LIKE 'h%' THEN SELECT 'yes'; END IF; END",
]:
    refused(ada, statement, *denied, "cannot be found", "CHECK")
refused(ada, "ALTER TABLE workspace.default.own SET ROW FILTER nowhere ON (id)", *denied, "cannot be found", "does not exist")
rows(developer, "REVOKE MODIFY ON TABLE secret FROM `ada@example.com`")

# A view reads with its owner's rights: what the owner loses, its readers lose.
rows(developer, "GRANT SELECT ON TABLE secret TO `ada@example.com`")
rows(ada, "CREATE VIEW workspace.default.shared AS SELECT count(*) AS n FROM main.vault.secret")
assert rows(ada, "SELECT * FROM workspace.default.shared") == [(4,)]
assert rows(developer, "SELECT * FROM workspace.default.shared") == [(4,)]
rows(developer, "REVOKE SELECT ON TABLE secret FROM `ada@example.com`")
refused(ada, "SELECT * FROM workspace.default.shared", *denied)
refused(developer, "SELECT * FROM workspace.default.shared", *denied)
print("ok")
