"""A developer makes tables, views, functions and volumes; a user without grants sees what they are given, no more."""

import os
import tempfile
from decimal import Decimal

from databricks import sql
from databricks.sdk import WorkspaceClient

work = tempfile.mkdtemp()


def connect(token, **arguments):
    return sql.connect(
        server_hostname=os.environ["DATABRICKS_HOST"],
        http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
        access_token=token,
        staging_allowed_local_path=work,
        **arguments,
    )


developer = connect(os.environ["DEVELOPER_TOKEN"])
ada = connect(os.environ["ADA_TOKEN"])


def rows(connection, statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, *parameters)
        return [tuple(row) for row in cursor.fetchall()]


def changed(statement, *parameters):
    with developer.cursor() as cursor:
        cursor.execute(statement, *parameters)
        return cursor.fetchone()[0]


def refused(connection, statement, *texts):
    try:
        found = rows(connection, statement)
    except sql.exc.Error as error:
        assert all(text in str(error) for text in texts), error
        return
    raise AssertionError(f"{statement} gave {found}")


# The session.
assert rows(developer, "SELECT current_catalog(), current_user()") == [("main", "developer@example.com")]
rows(developer, "CREATE SCHEMA IF NOT EXISTS main.sales COMMENT 'what we sell'")
rows(developer, "USE main.sales")
assert rows(developer, "SELECT current_schema()") == [("sales",)]
refused(developer, "USE CATALOG nowhere", "nowhere")
rows(developer, "SET TIME ZONE 'Europe/Amsterdam'")
assert str(rows(developer, "SELECT TIMESTAMP'2022-03-02 12:54:56'")[0][0]) == "2022-03-02 12:54:56+01:00"
rows(developer, "RESET timezone")
rows(developer, "DECLARE VARIABLE least INT DEFAULT 2")
rows(developer, "SET VAR least = least + 1")
assert rows(developer, "SELECT least") == [(3,)]

# Changes say how many rows they changed, with parameters of every kind.
rows(developer, "CREATE TABLE orders (id INT, item STRING COMMENT 'what', price DECIMAL(10,2))")
assert changed("INSERT INTO orders VALUES (?, ?, ?), (2, 'it''s', NULL)", [1, "a", Decimal("1.50")]) == 2
assert changed("INSERT INTO orders (id, item) VALUES (:i, :n)", {"i": 3, "n": None}) == 1
assert changed("UPDATE orders SET price = 2.5 WHERE id >= 2") == 2
assert changed("DELETE FROM orders WHERE id = 3") == 1
merge = """MERGE INTO orders USING (SELECT 2 id, 'b' item UNION ALL SELECT 4, 'd') n ON orders.id = n.id
WHEN MATCHED THEN UPDATE SET item = n.item WHEN NOT MATCHED THEN INSERT (id, item) VALUES (n.id, n.item)"""
assert changed(merge) == 2
expected = [(1, "a", Decimal("1.50")), (2, "b", Decimal("2.50")), (4, "d", None)]
assert rows(developer, "SELECT * FROM orders ORDER BY id") == expected
assert len(rows(developer, "SELECT * FROM orders VERSION AS OF 1")) == 2
assert rows(developer, "DESCRIBE TABLE orders")[1] == ("item", "string", "what")
assert len(rows(developer, "DESCRIBE HISTORY orders")) == 6
rows(developer, "CREATE TABLE copied AS SELECT * FROM orders")
rows(developer, "TRUNCATE TABLE copied")
assert rows(developer, "SELECT count(*) FROM copied") == [(0,)]
rows(developer, "RESTORE TABLE copied TO VERSION AS OF 1")
assert rows(developer, "SELECT count(*) FROM copied") == [(3,)]
rows(developer, "DROP TABLE copied")
refused(developer, "DROP TABLE copied", "TABLE_OR_VIEW_NOT_FOUND")
rows(developer, "DROP TABLE IF EXISTS copied")

# Views and functions; the catalog's requests.
rows(developer, "CREATE VIEW cheap AS SELECT id, item FROM orders WHERE price < 2")
rows(developer, "CREATE TEMPORARY VIEW mine AS SELECT max(id) AS top FROM orders")
rows(developer, "CREATE FUNCTION twice(x INT) RETURNS INT RETURN x * 2")
assert rows(developer, "SELECT twice(top) FROM mine") == [(8,)]
assert rows(developer, "SHOW TABLES LIKE 'o*|c*'") == [("sales", "cheap", False), ("sales", "orders", False)]
with developer.cursor() as cursor:
    assert ("sales", "main") in [tuple(row) for row in cursor.schemas(catalog_name="main").fetchall()]
    found = cursor.tables(catalog_name="main", schema_name="sal%", table_types=["TABLE"]).fetchall()
    assert [row.TABLE_NAME for row in found] == ["orders"]
    found = cursor.columns(catalog_name="main", schema_name="sales", table_name="orders").fetchall()
    assert [(row.COLUMN_NAME, row.DATA_TYPE, row.TYPE_NAME) for row in found][2] == ("price", 3, "DECIMAL(10,2)")
    assert len(cursor.description) == 23
assert rows(developer, "SELECT count(*) > 10000 FROM samples.nyctaxi.trips") == [(True,)]

listed = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'sales' ORDER BY 1"
assert rows(developer, listed) == [("cheap", "VIEW"), ("orders", "MANAGED")]
listed = "SELECT column_name, data_type FROM main.information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position"
assert rows(developer, listed) == [("id", "INT"), ("item", "STRING"), ("price", "DECIMAL")]

# REST and SQL change the same state.
client = WorkspaceClient(
    host="https://" + os.environ["DATABRICKS_HOST"], token=os.environ["DEVELOPER_TOKEN"], auth_type="pat"
)
client.schemas.create("made_by_rest", "main", comment="by REST")
assert rows(developer, "SHOW SCHEMAS IN main LIKE 'made*'") == [("made_by_rest",)]
rows(developer, "COMMENT ON SCHEMA main.made_by_rest IS 'by SQL'")
assert client.schemas.get("main.made_by_rest").comment == "by SQL"
client.schemas.delete("main.made_by_rest")
refused(developer, "USE main.made_by_rest", "SCHEMA_NOT_FOUND")
assert [column.type_text for column in client.tables.get("main.sales.orders").columns] == ["int", "string", "decimal(10,2)"]
rows(developer, "GRANT SELECT ON TABLE orders TO `ada@example.com`")
grants = client.api_client.do("GET", "/api/2.1/unity-catalog/permissions/table/main.sales.orders")
assert grants["privilege_assignments"] == [{"principal": "ada@example.com", "privileges": ["SELECT"]}], grants
assert ("ada@example.com", "SELECT", "TABLE", "main.sales.orders") in rows(developer, "SHOW GRANTS ON TABLE orders")
rows(developer, "REVOKE SELECT ON TABLE orders FROM `ada@example.com`")

# Files on volumes move between the client and the workspace.
rows(developer, "CREATE VOLUME files")
with open(work + "/up.txt", "w") as file:
    file.write("hello")
with developer.cursor() as cursor:
    cursor.execute(f"PUT '{work}/up.txt' INTO '/Volumes/main/sales/files/a.txt'")
    refused(developer, f"PUT '{work}/up.txt' INTO '/Volumes/main/sales/files/a.txt'", "ALREADY_EXISTS")
    assert [row[1:3] for row in rows(developer, "LIST '/Volumes/main/sales/files'")] == [("a.txt", 5)]
    cursor.execute(f"GET '/Volumes/main/sales/files/a.txt' TO '{work}/down.txt'")
    assert open(work + "/down.txt").read() == "hello"
    cursor.execute("REMOVE '/Volumes/main/sales/files/a.txt'")
assert rows(developer, "LIST '/Volumes/main/sales/files'") == []

# What Ada has no grant for is refused, by every road.
denied = "INSUFFICIENT_PERMISSIONS"
refused(ada, "SELECT * FROM main.sales.orders", denied)
refused(ada, "SELECT * FROM main.sales.cheap", denied)
refused(ada, "SELECT (SELECT max(item) FROM main.sales.orders)", denied)
refused(ada, "WITH o AS (SELECT * FROM main.sales.orders) SELECT * FROM o", denied)
refused(ada, "SELECT * FROM main.sales.orders VERSION AS OF 1", denied)
refused(ada, "INSERT INTO main.sales.orders VALUES (9, 'x', NULL)", denied)
refused(ada, "CREATE TEMPORARY VIEW peek AS SELECT * FROM main.sales.orders", denied)
assert rows(ada, "SELECT * FROM main.information_schema.tables WHERE table_schema = 'sales'") == []
refused(ada, "LIST '/Volumes/main/sales/files'", denied)
refused(ada, "DESCRIBE TABLE main.sales.orders", denied)
refused(ada, "SELECT * FROM csv.`/etc/passwd`", denied)
refused(ada, "GRANT SELECT ON TABLE main.sales.orders TO `ada@example.com`", "main.sales.orders")
rows(developer, "GRANT USE SCHEMA ON SCHEMA main.sales TO `ada@example.com`")
rows(developer, "GRANT USE CATALOG ON CATALOG main TO `ada@example.com`")
rows(developer, "GRANT SELECT ON VIEW cheap TO `ada@example.com`")

# A view of somebody else that sorts gives all its rows, in whatever order, also when more is asked of them.
rows(developer, "CREATE TABLE many AS SELECT id, id * 7919 % 10007 AS k FROM range(20000)")
rows(developer, "CREATE VIEW sorted AS SELECT id, k FROM many ORDER BY k DESC, id")
rows(developer, "GRANT SELECT ON VIEW sorted TO `ada@example.com`")
assert rows(ada, "SELECT count(*), sum(id) FROM main.sales.sorted") == [(20000, 199990000)]
assert sorted(row[0] for row in rows(ada, "SELECT id FROM main.sales.sorted")) == list(range(20000))
assert len(rows(ada, "SELECT id FROM main.sales.sorted WHERE id % 2 = 0 ORDER BY id")) == 10000
rows(developer, "DROP VIEW sorted")
rows(developer, "DROP TABLE many")
assert rows(ada, "SELECT * FROM main.sales.cheap") == [(1, "a")], "a view reads with its owner's rights"
refused(ada, "SELECT * FROM main.sales.orders", denied)

# Row filters and masks hold for who they are for.
rows(developer, "CREATE FUNCTION only_even(i INT) RETURNS BOOLEAN RETURN current_user() LIKE 'dev%' OR i % 2 = 0")
rows(developer, "CREATE FUNCTION hidden(p DECIMAL(10,2)) RETURNS DECIMAL(10,2) RETURN CASE WHEN current_user() LIKE 'dev%' THEN p END")
rows(developer, "ALTER TABLE orders SET ROW FILTER only_even ON (id)")
rows(developer, "ALTER TABLE orders ALTER COLUMN price SET MASK hidden")
rows(developer, "GRANT SELECT ON TABLE orders TO `ada@example.com`")
assert rows(ada, "SELECT * FROM main.sales.orders ORDER BY id") == [(2, "b", None), (4, "d", None)]
assert rows(developer, "SELECT * FROM orders ORDER BY id") == expected
rows(developer, "REVOKE SELECT ON TABLE orders FROM `ada@example.com`")
refused(ada, "SELECT * FROM main.sales.orders", denied)

# Another user's session is nobody's.
stolen = connect(os.environ["ADA_TOKEN"])
stolen.session._session_id = developer.session._session_id
try:
    stolen.cursor().execute("SELECT 1")
    raise AssertionError("another user's session was used")
except sql.exc.Error as error:
    assert "SessionHandle" in str(error), error
print("ok")
