from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.database import DatabaseCatalog, DatabaseInstance, DatabaseTable

shop = w.database.create_database_instance_and_wait(DatabaseInstance(name="shop", capacity="CU_1"))
token = lambda: w.database.generate_database_credential(instance_names=["shop"]).token
made = w.database.create_database_catalog(DatabaseCatalog(
    name="shop_db", database_instance_name="shop", database_name="store", create_database_if_not_exists=True))
assert (made.name, made.database_name) == ("shop_db", "store"), made
assert w.catalogs.get("shop_db").catalog_type.value == "MANAGED_ONLINE_CATALOG"
with connect(shop.read_write_dns, token(), "store", autocommit=True) as connection:
    connection.execute("""CREATE TABLE public.item (id int PRIMARY KEY, name text, price numeric(8,2), free numeric, at timestamptz,
        day date, data jsonb, raw bytea, ok bool, score float8, local timestamp)""")
    connection.execute("""INSERT INTO public.item VALUES (1, 'tab\there', 9.99, 1.5, '2026-01-02 03:04:05+02', '2026-01-02',
        '{"a": 1}', '\\x00ff', true, 'NaN', '2026-01-02 03:04:05'), (2, NULL, NULL, 'NaN', 'infinity', NULL, NULL, NULL, false,
        1e300, NULL)""")
    assert sql("SELECT count(*), sum(price), max(id) FROM shop_db.public.item") == [["2", "9.99", "2"]]
    row = sql("SELECT name, free, at, day, data, hex(raw), ok, score FROM shop_db.public.item WHERE id = 1")[0]
    assert row == ["tab\there", "1.500000000000000000", "2026-01-02T01:04:05.000Z", "2026-01-02", '{"a": 1}', "00FF", "true",
                   "NaN"], row
    assert sql("SELECT CAST(local AS STRING) FROM shop_db.public.item WHERE id = 1") == [["2026-01-02 03:04:05"]]
    assert sql("SELECT free, at FROM shop_db.public.item WHERE id = 2") == [[None, None]]
    # Each statement sees the rows and the tables of its moment.
    connection.execute("INSERT INTO public.item (id) VALUES (3)")
    connection.execute("CREATE SCHEMA other")
    connection.execute("CREATE TABLE other.late AS SELECT 7 AS x")
    assert sql("SELECT count(*) FROM shop_db.public.item") == [["3"]]
    assert sql("SELECT x FROM shop_db.other.late") == [["7"]]
    assert [row[1] for row in sql("SHOW TABLES IN shop_db.other")] == ["late"]
    assert sorted(s.name for s in w.schemas.list("shop_db")) == ["information_schema", "other", "public"]
    columns = w.tables.get("shop_db.public.item").columns
    assert [(c.name, c.type_text) for c in columns][:3] == [("id", "int"), ("name", "string"), ("price", "decimal(8,2)")], columns
    # Joined with a table of the warehouse, behind a view, and copied into one.
    sql("CREATE TABLE main.default.extra AS SELECT 1 AS id, 'x' AS word")
    joined = "SELECT i.id, e.word FROM shop_db.public.item i JOIN main.default.extra e ON i.id = e.id"
    assert sql(joined) == [["1", "x"]]
    sql(f"CREATE VIEW main.default.joined AS {joined}")
    assert sql("SELECT * FROM main.default.joined") == [["1", "x"]]
    sql("CREATE TABLE main.default.copied AS SELECT id, price FROM shop_db.public.item")
    assert sql("SELECT count(*) FROM main.default.copied") == [["3"]]
    for change in ["DELETE FROM shop_db.public.item", "CREATE TABLE shop_db.public.x (a INT)", "CREATE SCHEMA shop_db.x",
                   "DROP TABLE shop_db.public.item", "INSERT INTO shop_db.public.item (id) VALUES (9)",
                   "ALTER TABLE shop_db.public.item ADD COLUMNS (y INT)"]:
        refused(RuntimeError, lambda: sql(change), "read only")
    # Grants are those of Unity Catalog.
    ada = WorkspaceClient(host=w.config.host, token=os.environ["ADA_TOKEN"])
    w.permissions.update("warehouses", warehouse, access_control_list=[AccessControlRequest(
        user_name="ada@example.com", permission_level=PermissionLevel.CAN_USE)])
    refused(RuntimeError, lambda: sql("SELECT 1 FROM shop_db.public.item", ada), "USE CATALOG")
    for kind, name, privilege in [("CATALOG", "shop_db", Privilege.USE_CATALOG), ("SCHEMA", "shop_db.public", Privilege.USE_SCHEMA),
                                  ("TABLE", "shop_db.public.item", Privilege.SELECT)]:
        w.grants.update(kind, name, changes=[PermissionsChange(add=[privilege], principal="ada@example.com")])
    assert sql("SELECT count(*) FROM shop_db.public.item", ada) == [["3"]]
    connection.execute("DROP TABLE other.late")
    refused(RuntimeError, lambda: sql("SELECT * FROM shop_db.other.late"), "late")

refused(ResourceConflict, lambda: w.database.create_database_catalog(DatabaseCatalog(
    name="again", database_instance_name="shop", database_name="store")), "registered already")
# One table alone, in a standard catalog.
sql("CREATE SCHEMA main.public")
w.database.create_database_table(DatabaseTable("main.public.item", "shop", "store"))
assert sql("SELECT count(*) FROM main.public.item") == [["3"]]
assert w.database.get_database_table("main.public.item").logical_database_name == "store"
w.database.delete_database_table("main.public.item")
refused(NotFound, lambda: w.database.get_database_table("main.public.item"))
# A stopped instance says so.
w.database.update_database_instance("shop", DatabaseInstance(name="shop", stopped=True), "stopped")
refused(RuntimeError, lambda: sql("SELECT * FROM shop_db.public.item"), "stopped")
w.database.delete_database_instance("shop", purge=True)
refused(NotFound, lambda: w.catalogs.get("shop_db"))
print("ok")
