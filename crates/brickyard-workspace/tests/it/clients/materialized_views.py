"""Materialized views: made filled, refreshed as their owner, shown as such everywhere, written by nobody else."""

rows("CREATE SCHEMA main.mv")
rows("USE main.mv")
rows("CREATE TABLE orders (id INT, region STRING, amount DECIMAL(10,2))")
rows("INSERT INTO orders VALUES (1, 'eu', 10), (2, 'eu', 5), (3, 'us', 7)")

# Made filled; behind until it is refreshed.
rows("CREATE MATERIALIZED VIEW totals COMMENT 'per region' AS SELECT region, sum(amount) AS total FROM orders GROUP BY region")
assert rows("SELECT * FROM totals ORDER BY region") == [("eu", 15), ("us", 7)]
rows("INSERT INTO orders VALUES (4, 'us', 3)")
assert rows("SELECT total FROM totals WHERE region = 'us'") == [(7,)]
rows("REFRESH MATERIALIZED VIEW totals")
assert rows("SELECT total FROM totals WHERE region = 'us'") == [(10,)]
rows("REFRESH MATERIALIZED VIEW main.mv.totals FULL")
rows("CREATE MATERIALIZED VIEW IF NOT EXISTS totals AS SELECT 1 AS other")
refused(developer, "CREATE MATERIALIZED VIEW totals AS SELECT 1 AS other", "TABLE_OR_VIEW_ALREADY_EXISTS")

# A column list, keys, partitions, properties, a schedule; names and types of the list hold after a refresh too.
rows("""CREATE OR REPLACE MATERIALIZED VIEW listed (
    k BIGINT NOT NULL COMMENT 'the key', place STRING, CONSTRAINT listed_pk PRIMARY KEY (k))
    PARTITIONED BY (k) COMMENT 'with a list' TBLPROPERTIES ('team' = 'data') SCHEDULE CRON '0 0 * * * ? *' AT TIME ZONE 'Etc/UTC'
    AS SELECT id, region FROM orders WHERE id < 3""")
assert rows("SELECT k, place, typeof(k) FROM listed ORDER BY k") == [(1, "eu", "bigint"), (2, "eu", "bigint")]
rows("REFRESH MATERIALIZED VIEW listed")
assert rows("SELECT k, place FROM listed ORDER BY k") == [(1, "eu"), (2, "eu")]
told = rows("DESCRIBE EXTENDED listed")
line = lambda name: [row[1] for row in told if row[0] == name][-1]
assert told[0] == ("k", "bigint", "the key") and line("Type") == "MATERIALIZED_VIEW" and line("Comment") == "with a list", told
assert line("Refresh Schedule") == "CRON '0 0 * * * ? *' AT TIME ZONE 'Etc/UTC'" and line("Latest Refresh Status") == "Succeeded"
assert line("View Text") == "SELECT id, region FROM orders WHERE id < 3"
assert ("# Partition Information", "", "") in told
properties = dict(rows("SHOW TBLPROPERTIES listed"))
assert properties["team"] == "data" and properties["pipelines.pipelineId"]
assert rows("SELECT is_nullable, comment FROM information_schema.columns WHERE table_name = 'listed' AND column_name = 'k'") == [("NO", "the key")]
assert rows("SELECT constraint_name FROM information_schema.table_constraints WHERE table_name = 'listed'") == [("listed_pk",)]

# Schedules are changed and dropped.
refused(developer, "ALTER MATERIALIZED VIEW listed ADD SCHEDULE EVERY 1 DAY", "SCHEDULE_ALREADY_EXISTS")
rows("ALTER MATERIALIZED VIEW listed ALTER SCHEDULE EVERY 2 HOURS")
told = rows("DESCRIBE EXTENDED listed")
assert line("Refresh Schedule") == "EVERY 2 HOURS"
rows("ALTER MATERIALIZED VIEW listed DROP SCHEDULE")
told = rows("DESCRIBE EXTENDED listed")
assert line("Refresh Schedule") == "MANUAL"
rows("ALTER MATERIALIZED VIEW listed ADD TRIGGER ON UPDATE AT MOST EVERY INTERVAL 1 HOUR")
told = rows("DESCRIBE EXTENDED listed")
assert line("Refresh Schedule").startswith("TRIGGER ON UPDATE")
refused(developer, "ALTER MATERIALIZED VIEW listed ALTER SCHEDULE EVERY 73 HOURS", "SCHEDULE_PERIOD_INVALID")
refused(developer, "ALTER MATERIALIZED VIEW listed ALTER SCHEDULE CRON '0 0 8 * * *'", "cron expression")
refused(developer, "ALTER MATERIALIZED VIEW orders ADD SCHEDULE EVERY 1 DAY", "NON_MATERIALIZED_VIEW")

# Lists, REST and information_schema say what it is.
views = {row[1]: row[3] for row in rows("SHOW VIEWS IN main.mv")}
assert views == {"totals": True, "listed": True}, views
assert {row[1] for row in rows("SHOW TABLES IN main.mv")} == {"orders", "totals", "listed"}
kinds = dict(rows("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'mv'"))
assert kinds == {"orders": "MANAGED", "totals": "MATERIALIZED_VIEW", "listed": "MATERIALIZED_VIEW"}, kinds
assert rows("SELECT is_materialized, view_definition FROM information_schema.views WHERE table_name = 'listed'") == [
    ("TRUE", "SELECT id, region FROM orders WHERE id < 3")
]
with developer.cursor() as cursor:
    cursor.tables(catalog_name="main", schema_name="mv")
    assert {row[2]: row[3] for row in cursor.fetchall()} == {
        "orders": "TABLE", "totals": "MATERIALIZED_VIEW", "listed": "MATERIALIZED_VIEW"
    }
table = sdk.tables.get("main.mv.totals")
assert table.table_type.value == "MATERIALIZED_VIEW" and "sum(amount)" in table.view_definition, table
assert table.pipeline_id == dict(rows("SHOW TBLPROPERTIES totals"))["pipelines.pipelineId"]

# The pipeline behind it: its updates, what an API call does, and why one failed.
pipeline = sdk.pipelines.wait_get_pipeline_idle(table.pipeline_id)
assert pipeline.state.value == "IDLE" and pipeline.latest_updates[0].state.value == "COMPLETED"
rows("INSERT INTO orders VALUES (5, 'asia', 1)")
update = sdk.pipelines.start_update(table.pipeline_id, full_refresh=True).update_id
sdk.pipelines.wait_get_pipeline_idle(table.pipeline_id)
assert sdk.pipelines.get_update(table.pipeline_id, update).update.state.value == "COMPLETED"
assert rows("SELECT count(*) FROM totals") == [(3,)]
rows("ALTER TABLE orders RENAME TO moved")
refused(developer, "REFRESH MATERIALIZED VIEW totals", "TABLE_OR_VIEW_NOT_FOUND")
assert rows("SELECT count(*) FROM totals") == [(3,)]
event = next(iter(sdk.pipelines.list_pipeline_events(table.pipeline_id)))
assert event.level.value == "ERROR" and "TABLE_OR_VIEW_NOT_FOUND" in event.error.exceptions[0].message, event
rows("ALTER TABLE moved RENAME TO orders")
rows("REFRESH MATERIALIZED VIEW totals ASYNC")
sdk.pipelines.wait_get_pipeline_idle(table.pipeline_id)
assert sdk.pipelines.get(table.pipeline_id).latest_updates[0].state.value == "COMPLETED"

# Replaced: other columns, the same pipeline; a query that fails leaves it as it was.
refused(developer, "CREATE OR REPLACE MATERIALIZED VIEW totals AS SELECT CAST(region AS INT) AS n FROM orders", "CAST_INVALID_INPUT")
assert rows("SELECT count(*) FROM totals WHERE region = 'eu'") == [(1,)]
assert "sum(amount)" in sdk.tables.get("main.mv.totals").view_definition
rows("CREATE OR REPLACE MATERIALIZED VIEW totals CLUSTER BY (n) AS SELECT region AS r, count(*) AS n FROM orders GROUP BY region")
assert rows("SELECT * FROM totals WHERE r = 'eu'") == [("eu", 2)]
assert sdk.tables.get("main.mv.totals").pipeline_id == table.pipeline_id
refused(developer, "CREATE OR REPLACE MATERIALIZED VIEW orders AS SELECT 1 AS a", "NON_MATERIALIZED_VIEW")
refused(developer, "CREATE OR REPLACE TABLE totals AS SELECT 1 AS a", "MATERIALIZED_VIEW_UNSUPPORTED_OPERATION")
refused(developer, "CREATE MATERIALIZED VIEW broken AS SELECT CAST(region AS INT) AS n FROM orders", "CAST_INVALID_INPUT")
refused(developer, "SELECT * FROM broken", "TABLE_OR_VIEW_NOT_FOUND")
refused(developer, "CREATE MATERIALIZED VIEW m2 AS SELECT * FROM STREAM orders", "MATERIALIZED_VIEW_OVER_STREAMING_QUERY_INVALID")

# A column that its source gets comes with the next refresh, where no list of columns says otherwise.
rows("CREATE MATERIALIZED VIEW everything AS SELECT * FROM orders")
rows("ALTER TABLE orders ADD COLUMN note STRING")
rows("INSERT INTO orders VALUES (6, 'eu', 2, 'new')")
rows("REFRESH MATERIALIZED VIEW everything")
assert rows("SELECT note FROM everything WHERE id = 6") == [("new",)]

# Nobody writes to it.
for statement, operation in [
    ("INSERT INTO totals VALUES ('x', 1)", "DML"),
    ("UPDATE totals SET n = 0", "DML"),
    ("DELETE FROM totals", "DML"),
    ("MERGE INTO totals USING orders ON r = region WHEN MATCHED THEN DELETE", "DML"),
    ("TRUNCATE TABLE totals", "TRUNCATE TABLE"),
    ("OPTIMIZE totals", "OPTIMIZE"),
    ("VACUUM totals", "VACUUM"),
    ("RESTORE TABLE totals TO VERSION AS OF 1", "RESTORE"),
    ("CREATE TABLE copy CLONE totals", "CLONE"),
]:
    refused(developer, statement, "MATERIALIZED_VIEW_UNSUPPORTED_OPERATION", operation)
refused(developer, "SELECT * FROM totals VERSION AS OF 1", "MATERIALIZED_VIEW_UNSUPPORTED_OPERATION")
refused(developer, "ALTER TABLE totals ADD COLUMN x INT", "INVALID_ALTER")
refused(developer, "ALTER TABLE totals RENAME TO other", "INVALID_ALTER")
refused(developer, "DROP TABLE totals", "EXPECT_TABLE_NOT_VIEW")
refused(developer, "REFRESH MATERIALIZED VIEW orders", "NON_MATERIALIZED_VIEW")

# Tags, comments, grants.
rows("ALTER MATERIALIZED VIEW totals SET TAGS ('tier' = 'gold')")
rows("COMMENT ON TABLE totals IS 'counted'")
rows("ALTER MATERIALIZED VIEW totals ALTER COLUMN n COMMENT 'how many'")
rows("REFRESH MATERIALIZED VIEW totals")
assert rows("DESCRIBE totals")[1] == ("n", "bigint", "how many")
assert rows("SELECT tag_value FROM information_schema.table_tags WHERE table_name = 'totals'") == [("gold",)]
assert sdk.tables.get("main.mv.totals").comment == "counted"

# Ada reads it with SELECT alone; refreshing needs REFRESH, and is done with its owner's rights.
refused(ada, "SELECT * FROM main.mv.totals", "INSUFFICIENT_PERMISSIONS")
for grant in ["USE CATALOG ON CATALOG main", "USE SCHEMA ON SCHEMA main.mv", "SELECT ON TABLE main.mv.totals"]:
    rows(f"GRANT {grant} TO `ada@example.com`")
assert len(run(ada, "SELECT * FROM main.mv.totals")) == 3
refused(ada, "SELECT * FROM main.mv.orders", "INSUFFICIENT_PERMISSIONS")
refused(ada, "REFRESH MATERIALIZED VIEW main.mv.totals", "INSUFFICIENT_PERMISSIONS", "REFRESH")
rows("GRANT REFRESH ON MATERIALIZED VIEW main.mv.totals TO `ada@example.com`")
rows("INSERT INTO orders VALUES (7, 'eu', 2, 'more')")
run(ada, "REFRESH MATERIALIZED VIEW main.mv.totals")
assert run(ada, "SELECT n FROM main.mv.totals WHERE r = 'eu'") == [(4,)]
refused(ada, "ALTER MATERIALIZED VIEW main.mv.totals ADD SCHEDULE EVERY 1 DAY", "INSUFFICIENT_PERMISSIONS")
refused(ada, "DROP MATERIALIZED VIEW main.mv.totals", "INSUFFICIENT_PERMISSIONS")

# Ada makes one of her own: it needs CREATE MATERIALIZED VIEW, and reads what she may read and nothing else.
rows("GRANT SELECT ON TABLE main.mv.orders TO `ada@example.com`")
refused(ada, "CREATE MATERIALIZED VIEW main.mv.hers AS SELECT * FROM main.mv.orders", "CREATE MATERIALIZED VIEW")
rows("GRANT CREATE MATERIALIZED VIEW ON SCHEMA main.mv TO `ada@example.com`")
rows("CREATE FUNCTION main.mv.seen(region STRING) RETURN current_user() <> 'ada@example.com' OR region = 'eu'")
rows("CREATE FUNCTION main.mv.hidden(amount DECIMAL(10,2)) RETURN CASE WHEN current_user() = 'ada@example.com' THEN NULL ELSE amount END")
rows("ALTER TABLE orders SET ROW FILTER main.mv.seen ON (region)")
rows("ALTER TABLE orders ALTER COLUMN amount SET MASK main.mv.hidden")
run(ada, "CREATE MATERIALIZED VIEW main.mv.hers AS SELECT region, sum(amount) AS total, count(*) AS n, current_user() AS who FROM main.mv.orders GROUP BY region")
assert run(ada, "SELECT * FROM main.mv.hers") == [("eu", None, 4, "ada@example.com")]
# The developer sees everything, and refreshes hers all the same as her.
rows("REFRESH MATERIALIZED VIEW main.mv.hers")
assert rows("SELECT region, n, who FROM main.mv.hers") == [("eu", 4, "ada@example.com")]
# It cannot be given away or made to read with another's rights.
refused(ada, "ALTER TABLE main.mv.hers OWNER TO `developer@example.com`", "CHANGE_OWNER")
rows("GRANT MANAGE ON TABLE main.mv.totals TO `ada@example.com`")
refused(ada, "CREATE OR REPLACE MATERIALIZED VIEW main.mv.totals AS SELECT * FROM main.mv.orders", "INSUFFICIENT_PERMISSIONS")
# What she may no longer read stays as it was, and cannot be made anew.
rows("REVOKE SELECT ON TABLE main.mv.orders FROM `ada@example.com`")
refused(ada, "REFRESH MATERIALIZED VIEW main.mv.hers", "INSUFFICIENT_PERMISSIONS")
assert run(ada, "SELECT n FROM main.mv.hers") == [(4,)]

# A row filter and a mask of the view's own hide its rows from others and are not in the way of its refresh.
rows("CREATE FUNCTION main.mv.only_us(region STRING) RETURN current_user() <> 'ada@example.com' OR region = 'us'")
rows("CREATE MATERIALIZED VIEW guarded (region STRING, amount DECIMAL(10,2) MASK main.mv.hidden) WITH ROW FILTER main.mv.only_us ON (region) AS SELECT region, amount FROM orders")
rows("GRANT SELECT ON TABLE guarded TO `ada@example.com`")
assert len(rows("SELECT * FROM guarded")) == 7
rows("REFRESH MATERIALIZED VIEW guarded")
assert len(rows("SELECT * FROM guarded")) == 7 and set(run(ada, "SELECT * FROM main.mv.guarded")) == {("us", None)}
rows("CREATE OR REPLACE MATERIALIZED VIEW guarded (region STRING, amount DECIMAL(10,2) MASK main.mv.hidden) WITH ROW FILTER main.mv.only_us ON (region) AS SELECT region, amount FROM orders WHERE id < 4")
assert set(run(ada, "SELECT * FROM main.mv.guarded")) == {("us", None)}

# What a view behind another reads.
rows("CREATE VIEW main.mv.plain AS SELECT r, n FROM totals")
rows("CREATE MATERIALIZED VIEW second AS SELECT max(n) AS most FROM plain")
assert rows("SELECT * FROM second") == [(4,)]
assert "MATERIALIZED VIEW" in rows("SHOW CREATE TABLE totals")[0][0]

# Gone, with its pipeline.
pipeline = sdk.tables.get("main.mv.second").pipeline_id
rows("DROP MATERIALIZED VIEW second")
rows("DROP VIEW guarded")
rows("DROP MATERIALIZED VIEW IF EXISTS second")
refused(developer, "SELECT * FROM second", "TABLE_OR_VIEW_NOT_FOUND")
try:
    sdk.pipelines.get(pipeline)
    raise AssertionError("the pipeline is there")
except Exception as error:
    assert pipeline in str(error), error
print("ok")
