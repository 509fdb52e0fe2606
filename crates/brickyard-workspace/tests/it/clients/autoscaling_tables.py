from databricks.sdk.service.postgres import (
    Catalog, CatalogCatalogSpec, Project, ProjectSpec, SyncedTable, SyncedTableState, SyncedTableSyncedTableSpec,
    SyncedTableSyncedTableSpecSyncedTableSchedulingPolicy as Policy,
)

w.postgres.create_project(Project(spec=ProjectSpec(display_name="Shop")), "shop").wait()
branch = "projects/shop/branches/production"
endpoint = next(iter(w.postgres.list_endpoints(branch)))
host = endpoint.status.hosts.host
made = w.postgres.create_catalog(Catalog(spec=CatalogCatalogSpec(
    branch=branch, postgres_database="store", create_database_if_missing=True)), "store").wait()
assert made.name == "catalogs/store" and made.status.project == "projects/shop", made
assert w.postgres.get_catalog("catalogs/store").status.postgres_database == "store"
sql("CREATE TABLE main.default.points AS SELECT 1 AS id, array(1.5D, 2.5D) AS v UNION ALL SELECT 2, array(0.5D, 0.25D)")
sql("ALTER TABLE main.default.points SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")
# The catalog says where the table is; schema and table are made there.
table = w.postgres.create_synced_table(SyncedTable(spec=SyncedTableSyncedTableSpec(
    source_table_full_name="main.default.points", primary_key_columns=["id"], scheduling_policy=Policy.TRIGGERED)),
    "store.serving.points").wait()
assert table.name == "synced_tables/store.serving.points" and table.status.pipeline_id, table
state = lambda: w.postgres.get_synced_table("synced_tables/store.serving.points").status
status = wait(state, lambda status: status.detailed_state == SyncedTableState.SYNCED_TABLE_ONLINE_NO_PENDING_UPDATE)
assert status.last_processed_commit_version >= 1 and status.last_sync_time, status
# What is written comes when it is asked for.
sql("INSERT INTO main.default.points VALUES (3, array(4D))")
sql("DELETE FROM main.default.points WHERE id = 3")
seen = state().last_processed_commit_version
w.pipelines.start_update(table.status.pipeline_id)
w.pipelines.wait_get_pipeline_idle(table.status.pipeline_id)
status = wait(state, lambda status: status.last_processed_commit_version == seen + 2)
password = w.postgres.generate_database_credential(endpoint.name).token
with connect(host, password, "store") as connection:
    rows = connection.execute("SELECT id, v FROM serving.points ORDER BY id").fetchall()
    assert rows == [(1, [1.5, 2.5]), (2, [0.5, 0.25])], rows
rows = sql("SELECT id FROM store.serving.points ORDER BY id")
assert rows == [["1"], ["2"]], rows
w.postgres.delete_synced_table("synced_tables/store.serving.points").wait()
refused(NotFound, lambda: w.postgres.get_synced_table("synced_tables/store.serving.points"))
w.postgres.delete_catalog("catalogs/store").wait()
refused(NotFound, lambda: w.catalogs.get("store"))
w.postgres.delete_project("projects/shop").wait()
print("ok")
