from databricks.sdk.service.database import (
    DatabaseInstance, NewPipelineSpec, SyncedDatabaseTable, SyncedTableSchedulingPolicy, SyncedTableSpec,
    SyncedTableState,
)
from databricks.sdk.service.pipelines import UpdateInfoState

shop = w.database.create_database_instance_and_wait(DatabaseInstance(name="shop", capacity="CU_1"))
token = lambda: w.database.generate_database_credential(instance_names=["shop"]).token
sql("CREATE SCHEMA main.sales")
sql("""CREATE TABLE main.sales.orders (id BIGINT, item STRING, price DECIMAL(10,2), at TIMESTAMP, day DATE, tags ARRAY<STRING>,
       raw BINARY, gone BOOLEAN)""")
sql("""INSERT INTO main.sales.orders VALUES
       (1, 'a\\tb\\\\c\\nd', 12.50, TIMESTAMP '2026-01-02 03:04:05.678Z', DATE '2026-01-02', array('x', 'y'), X'00ff', true),
       (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (NULL, 'no key', 1, NULL, NULL, NULL, NULL, NULL)""")


def table(name, source="main.sales.orders", policy=SyncedTableSchedulingPolicy.SNAPSHOT, **spec):
    spec = {"primary_key_columns": ["id"], "create_database_objects_if_missing": True, **spec}
    return SyncedDatabaseTable(
        name=name, database_instance_name="shop", logical_database_name="databricks_postgres",
        spec=SyncedTableSpec(source_table_full_name=source, scheduling_policy=policy, **spec))


try:
    w.pipelines.create(name="mine")
    raise AssertionError("a pipeline was made")
except Exception as error:
    assert type(error).__name__ == "NotImplemented", error

made = w.database.create_synced_database_table(table("main.sales.orders_synced"))
assert made.data_synchronization_status.pipeline_id, made


def online(name):
    states = {SyncedTableState.SYNCED_TABLE_ONLINE_NO_PENDING_UPDATE, SyncedTableState.SYNCED_TABLE_OFFLINE_FAILED,
              SyncedTableState.SYNCED_TABLE_ONLINE_PIPELINE_FAILED}
    return wait(lambda: w.database.get_synced_database_table(name),
                lambda seen: seen.data_synchronization_status.detailed_state in states)


seen = online("main.sales.orders_synced")
status = seen.data_synchronization_status
assert status.detailed_state == SyncedTableState.SYNCED_TABLE_ONLINE_NO_PENDING_UPDATE, status
assert status.last_sync.delta_table_sync_info.delta_commit_version == 1, status
assert seen.effective_database_instance_name == "shop" and seen.unity_catalog_provisioning_state.value == "ACTIVE"
with connect(shop.read_write_dns, token()) as connection:
    rows = connection.execute("SELECT *, pg_typeof(tags)::text FROM sales.orders_synced ORDER BY id").fetchall()
    assert len(rows) == 2, rows
    first = rows[0]
    assert first[:3] == (1, "a\tb\\c\nd", __import__("decimal").Decimal("12.50")), first
    assert first[3].isoformat() == "2026-01-02T03:04:05.678000+00:00" and str(first[4]) == "2026-01-02", first
    assert first[5:] == (["x", "y"], b"\x00\xff", True, "jsonb"), first
    assert rows[1][1:8] == (None,) * 7, rows[1]
    connection.execute("GRANT USAGE ON SCHEMA sales TO PUBLIC")
    connection.execute("GRANT SELECT ON sales.orders_synced TO PUBLIC")
    connection.commit()
    owner = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'orders_synced'").fetchone()[0]
    assert owner.startswith("databricks_writer_"), owner  # nobody's, so that rows come from the pipeline

# A refresh on request; the pipeline tells how it went. What was granted stays.
sql("INSERT INTO main.sales.orders (id, item) VALUES (3, 'new')")
sql("DELETE FROM main.sales.orders WHERE id = 2")
update = w.pipelines.start_update(status.pipeline_id)
wait(lambda: w.pipelines.get_update(status.pipeline_id, update.update_id).update.state,
     lambda state: state == UpdateInfoState.COMPLETED)
assert w.pipelines.wait_get_pipeline_idle(status.pipeline_id).state.value == "IDLE"
with connect(shop.read_write_dns, token()) as connection:
    rows = connection.execute("SELECT id, item FROM sales.orders_synced ORDER BY id").fetchall()
    assert rows == [(1, "a\tb\\c\nd"), (3, "new")], rows
    granted = "SELECT has_table_privilege('public', 'sales.orders_synced', 'SELECT')"
    assert connection.execute(granted).fetchone() == (True,)
last = online("main.sales.orders_synced").data_synchronization_status.last_sync
assert last.delta_table_sync_info.delta_commit_version == 3, last

# Every level of a pipeline allows its own and nothing above it.
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
ada, pipeline = WorkspaceClient(token=os.environ["ADA_TOKEN"], auth_type="pat"), status.pipeline_id


def may(call):
    try:
        call()
        return True
    except PermissionDenied:
        return False


tries = [
    ("CAN_VIEW", lambda: ada.pipelines.get(pipeline)),
    ("CAN_VIEW", lambda: ada.pipelines.list_updates(pipeline)),
    ("CAN_RUN", lambda: ada.pipelines.start_update(pipeline)),
    ("CAN_RUN", lambda: ada.pipelines.stop(pipeline)),
    ("CAN_MANAGE", lambda: ada.permissions.update("pipelines", pipeline, access_control_list=[])),
]
order = ["CAN_VIEW", "CAN_RUN", "CAN_MANAGE"]
for held in [None, *order]:
    entry = [AccessControlRequest(user_name="ada@example.com", permission_level=PermissionLevel(held))] if held else []
    w.permissions.set("pipelines", pipeline, access_control_list=entry)
    for level, call in tries:
        assert may(call) == (held is not None and order.index(held) >= order.index(level)), (held, level)
        w.pipelines.wait_get_pipeline_idle(pipeline)
    assert bool(list(ada.pipelines.list_pipelines())) == (held is not None), held
w.permissions.set("pipelines", pipeline, access_control_list=[])
w.pipelines.start_update(pipeline)
w.pipelines.wait_get_pipeline_idle(pipeline)

# The copy is a table of Unity Catalog too, which SQL reads and does not change.
assert sql("SELECT id, tags FROM main.sales.orders_synced ORDER BY id") == [["1", '["x", "y"]'], ["3", None]]
assert w.tables.get("main.sales.orders_synced").table_type.value == "FOREIGN"
refused(RuntimeError, lambda: sql("DELETE FROM main.sales.orders_synced"), "read only")

# New columns arrive, and another type makes the table anew.
sql("ALTER TABLE main.sales.orders ADD COLUMNS (note STRING)")
sql("UPDATE main.sales.orders SET note = 'hi' WHERE id = 3")
w.pipelines.start_update(status.pipeline_id, full_refresh=True)
w.pipelines.wait_get_pipeline_idle(status.pipeline_id)
assert sql("SELECT note FROM main.sales.orders_synced WHERE id = 3") == [["hi"]]

# Duplicate keys fail, and a timeseries key picks the latest.
sql("CREATE TABLE main.sales.twice AS SELECT * FROM VALUES (1, 'old', 1), (1, 'new', 2), (2, 'only', 1) AS t(id, what, seq)")
w.database.create_synced_database_table(table("main.sales.twice_plain", source="main.sales.twice"))
failed = online("main.sales.twice_plain").data_synchronization_status
assert failed.detailed_state == SyncedTableState.SYNCED_TABLE_OFFLINE_FAILED and "duplicate key" in failed.message, failed
w.database.create_synced_database_table(table("main.sales.twice_latest", source="main.sales.twice", timeseries_key="seq"))
online("main.sales.twice_latest")
assert sql("SELECT id, what FROM main.sales.twice_latest ORDER BY id") == [["1", "new"], ["2", "only"]]
names = sorted(found.name for found in w.database.list_synced_database_tables("shop"))
assert names == ["main.sales.orders_synced", "main.sales.twice_latest", "main.sales.twice_plain"], names

# A continuous table follows its source without being asked, until its pipeline is stopped.
sql("CREATE TABLE main.sales.stock (id BIGINT, left_over INT) TBLPROPERTIES (delta.enableChangeDataFeed = true)")
sql("INSERT INTO main.sales.stock VALUES (1, 10)")
w.database.create_synced_database_table(table(
    "main.sales.stock_synced", source="main.sales.stock", policy=SyncedTableSchedulingPolicy.CONTINUOUS))


def follows(version):
    def is_there(seen):
        status = seen.data_synchronization_status
        at = status.last_sync and status.last_sync.delta_table_sync_info.delta_commit_version
        return (status.detailed_state, at) == (SyncedTableState.SYNCED_TABLE_ONLINE_CONTINUOUS_UPDATE, version)
    seen = wait(lambda: w.database.get_synced_database_table("main.sales.stock_synced"), is_there)
    return seen.data_synchronization_status.pipeline_id


following = follows(1)
assert w.pipelines.get(following).spec.continuous and w.pipelines.get(following).state.value == "RUNNING"
for number in range(2, 5):
    sql(f"UPDATE main.sales.stock SET left_over = {number} WHERE id = 1")
    follows(number)
    assert sql("SELECT left_over FROM main.sales.stock_synced") == [[str(number)]]
refused(ResourceConflict, lambda: w.pipelines.start_update(following), "active update")
w.pipelines.stop_and_wait(following)
sql("INSERT INTO main.sales.stock VALUES (2, 20)")
w.pipelines.start_update(following)
follows(5)
w.database.delete_synced_database_table("main.sales.stock_synced", purge_data=True)
refused(NotFound, lambda: w.pipelines.get(following))

# What cannot be is said.
create = lambda *a, **k: (lambda: w.database.create_synced_database_table(table(*a, **k)))
refused(InvalidParameterValue, lambda: w.database.update_synced_database_table(
    "main.sales.orders_synced", table("main.sales.orders_synced"), "spec"), "not supported")
refused(InvalidParameterValue, create("main.sales.c", policy=SyncedTableSchedulingPolicy.CONTINUOUS), "change data feed")
refused(InvalidParameterValue, create("main.sales.t", policy=SyncedTableSchedulingPolicy.TRIGGERED), "change data feed")
refused(InvalidParameterValue, create("main.sales.k", primary_key_columns=["absent"]), "absent")
refused(InvalidParameterValue, create("main.sales.k", primary_key_columns=[]), "primary_key_columns")
refused(NotFound, create("main.sales.s", source="main.sales.absent"), "does not exist")
refused(Exception, create("main.sales.orders_synced"), "already exists")
refused(Exception, create("main.sales.orders"), "already exists")
ada = WorkspaceClient(host=w.config.host, token=os.environ["ADA_TOKEN"])
refused(PermissionDenied, lambda: ada.database.create_synced_database_table(table("main.sales.a")))
refused(PermissionDenied, lambda: ada.pipelines.start_update(status.pipeline_id))

w.database.delete_synced_database_table("main.sales.twice_latest", purge_data=True)
w.database.delete_synced_database_table("main.sales.twice_plain")
refused(NotFound, lambda: w.database.get_synced_database_table("main.sales.twice_latest"), "not found")
with connect(shop.read_write_dns, token()) as connection:
    rows = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE 'twice%' AND relkind = 'r'").fetchall()
    assert rows == [("twice_plain",)], rows
w.database.delete_database_instance("shop", purge=True)
refused(NotFound, lambda: w.database.get_synced_database_table("main.sales.orders_synced"))
print("ok")
