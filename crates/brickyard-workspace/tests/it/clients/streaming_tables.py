"""Streaming tables: only what has come since, once each; tables and files as sources."""

import io

rows("CREATE SCHEMA main.st")
rows("CREATE VOLUME main.st.files")
rows("USE main.st")
rows("CREATE TABLE source (id INT, name STRING)")
rows("INSERT INTO source VALUES (1, 'a'), (2, 'b')")

# New rows and no others, once.
rows("CREATE OR REFRESH STREAMING TABLE taken COMMENT 'as it comes' AS SELECT id, upper(name) AS name FROM STREAM source")
assert rows("SELECT * FROM taken ORDER BY id") == [(1, "A"), (2, "B")]
rows("REFRESH STREAMING TABLE taken")
assert rows("SELECT count(*) FROM taken") == [(2,)]
rows("INSERT INTO source VALUES (3, 'c')")
rows("INSERT INTO source VALUES (4, 'd')")
rows("REFRESH TABLE taken")
assert rows("SELECT * FROM taken ORDER BY id") == [(1, "A"), (2, "B"), (3, "C"), (4, "D")]
history = rows("DESCRIBE HISTORY taken")
assert [row[4] for row in history][:1] == ["STREAMING UPDATE"] and len(history) == 3, history

# It is a table: its owner may change its rows, and the stream goes on from where it was.
rows("DELETE FROM taken WHERE id = 1")
rows("INSERT INTO taken VALUES (100, 'by hand')")
rows("INSERT INTO source VALUES (5, 'e')")
rows("REFRESH STREAMING TABLE taken")
assert [row[0] for row in rows("SELECT id FROM taken ORDER BY id")] == [2, 3, 4, 5, 100]
rows("OPTIMIZE source")
rows("INSERT INTO source VALUES (6, 'f')")
rows("REFRESH STREAMING TABLE taken")
assert rows("SELECT count(*), count(DISTINCT id) FROM taken") == [(6, 6)]

# FULL starts over.
rows("REFRESH STREAMING TABLE taken FULL")
assert [row[0] for row in rows("SELECT id FROM taken ORDER BY id")] == [1, 2, 3, 4, 5, 6]
rows("REFRESH STREAMING TABLE taken")
assert rows("SELECT count(*) FROM taken") == [(6,)]

# A source is only appended to; what it loses or changes is an error, unless it is passed over.
rows("CREATE STREAMING TABLE skipping AS SELECT * FROM STREAM(source) WITH (SKIPCHANGECOMMITS)")
rows("DELETE FROM source WHERE id = 1")
refused(developer, "REFRESH STREAMING TABLE taken", "DELTA_SOURCE_")
rows("UPDATE source SET name = 'z' WHERE id = 2")
refused(developer, "REFRESH STREAMING TABLE taken", "DELTA_SOURCE_")
assert rows("SELECT count(*) FROM taken") == [(6,)]
rows("INSERT INTO source VALUES (7, 'g')")
rows("REFRESH STREAMING TABLE skipping")
assert [row[0] for row in rows("SELECT id FROM skipping ORDER BY id")] == [1, 2, 3, 4, 5, 6, 7]
rows("REFRESH STREAMING TABLE taken FULL")
assert rows("SELECT name FROM taken WHERE id <= 2") == [("Z",)]
rows("DROP TABLE source")
rows("CREATE TABLE source (id INT, name STRING)")
refused(developer, "REFRESH STREAMING TABLE taken", "DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE")
rows("REFRESH STREAMING TABLE taken FULL")
assert rows("SELECT count(*) FROM taken") == [(0,)]

# Joins with what is no stream, several streams one after another, streams of streaming tables.
rows("CREATE TABLE names (id INT, word STRING)")
rows("INSERT INTO names VALUES (1, 'one'), (2, 'two')")
rows("CREATE TABLE other (id INT, name STRING)")
rows("INSERT INTO source VALUES (1, 'a')")
rows("INSERT INTO other VALUES (2, 'b')")
rows("""CREATE STREAMING TABLE joined AS
    WITH both AS (SELECT * FROM STREAM source UNION ALL SELECT * FROM STREAM main.st.other)
    SELECT both.id, word, source FROM both JOIN names USING (id) CROSS JOIN (SELECT 'x' AS source)""")
assert rows("SELECT * FROM joined ORDER BY id") == [(1, "one", "x"), (2, "two", "x")]
rows("CREATE STREAMING TABLE further AS SELECT source.id FROM STREAM source WHERE source.id > 1")
assert rows("SELECT * FROM further") == []
rows("INSERT INTO source VALUES (2, 'bb')")
rows("REFRESH STREAMING TABLE joined")
rows("REFRESH STREAMING TABLE further")
assert rows("SELECT * FROM joined ORDER BY id") == [(1, "one", "x"), (2, "two", "x"), (2, "two", "x")]
assert rows("SELECT * FROM further") == [(2,)]
rows("CREATE STREAMING TABLE chained AS SELECT id * 10 AS id FROM STREAM further")
rows("INSERT INTO source VALUES (3, 'cc')")
rows("REFRESH STREAMING TABLE further")
rows("REFRESH STREAMING TABLE chained")
assert rows("SELECT id FROM chained ORDER BY id") == [(20,), (30,)]

# What new rows alone cannot tell, and what is elsewhere, is refused by name.
for query, text in [
    ("SELECT count(*) AS n FROM STREAM source", "aggregate"),
    ("SELECT name, max(id) AS id FROM STREAM source GROUP BY name", "aggregate"),
    ("SELECT DISTINCT name FROM STREAM source", "DISTINCT"),
    ("SELECT id, row_number() OVER (ORDER BY id) AS n FROM STREAM source", "window"),
    ("SELECT * FROM STREAM source ORDER BY id", "ORDER BY"),
    ("SELECT * FROM STREAM source LIMIT 1", "LIMIT"),
    ("SELECT a.id FROM STREAM source a JOIN STREAM other b ON a.id = b.id", "two streams"),
    ("SELECT n.id FROM names n LEFT JOIN STREAM source s ON n.id = s.id", "outer join"),
    ("SELECT id FROM STREAM source UNION SELECT id FROM STREAM other", "UNION"),
    ("SELECT id FROM STREAM source UNION ALL SELECT id FROM names", "UNION ALL"),
    ("SELECT id FROM names WHERE id IN (SELECT id FROM STREAM source)", "within an expression"),
    ("SELECT * FROM STREAM read_kafka(bootstrapServers => 'x:9092')", "read_kafka"),
]:
    refused(developer, f"CREATE STREAMING TABLE no AS {query}", "UNSUPPORTED_FEATURE", text)
refused(developer, "CREATE STREAMING TABLE no AS SELECT * FROM source", "STREAMING_TABLE_QUERY_INVALID")
refused(developer, "CREATE OR REPLACE STREAMING TABLE taken AS SELECT * FROM STREAM source", "CREATE_OR_REPLACE")
refused(developer, "CREATE STREAMING TABLE no (id INT)", "UNSUPPORTED_FEATURE")
refused(developer, "CREATE STREAMING TABLE no FLOW AUTO CDC FROM STREAM source KEYS (id) SEQUENCE BY id", "UNSUPPORTED_FEATURE")
refused(developer, "SELECT * FROM STREAM source", "UNSUPPORTED_FEATURE")
for statement, operation in [
    ("TRUNCATE TABLE taken", "TRUNCATE"),
    ("RESTORE TABLE taken TO VERSION AS OF 1", "RESTORE"),
    ("COPY INTO taken FROM '/Volumes/main/st/files' FILEFORMAT = CSV", "COPY INTO"),
    ("CREATE TABLE copy CLONE taken", "CLONE"),
    ("CREATE OR REPLACE TABLE taken AS SELECT 1 AS a", "REPLACE"),
    ("ALTER TABLE taken ADD COLUMN x INT", "INVALID_ALTER"),
]:
    refused(developer, statement, "STREAMING_TABLE_OPERATION_NOT_ALLOWED")

# Declared anew: other properties and columns, the rows that are there stay.
rows("INSERT INTO other VALUES (3, 'c')")
rows("CREATE OR REFRESH STREAMING TABLE further TBLPROPERTIES ('team' = 'x') SCHEDULE EVERY 1 DAY AS SELECT id, name FROM STREAM source WHERE id > 1")
assert dict(rows("SHOW TBLPROPERTIES further"))["team"] == "x"
rows("INSERT INTO source VALUES (9, 'i')")
rows("REFRESH STREAMING TABLE further")
assert rows("SELECT id, name FROM further ORDER BY id") == [(2, None), (3, None), (9, "i")]
refused(developer, "CREATE OR REFRESH STREAMING TABLE further PARTITIONED BY (id) AS SELECT id, name FROM STREAM source", "CANNOT_UPDATE_PARTITION_COLUMNS")
refused(developer, "CREATE OR REFRESH STREAMING TABLE names AS SELECT * FROM STREAM source", "NON_STREAMING_TABLE")
rows("CREATE STREAMING TABLE parted (id BIGINT NOT NULL COMMENT 'key', name STRING) PARTITIONED BY (id) AS SELECT id, name FROM STREAM other")
assert rows("SELECT id, name, typeof(id) FROM parted ORDER BY id") == [(2, "b", "bigint"), (3, "c", "bigint")]
rows("INSERT INTO other VALUES (4, 'd')")
rows("REFRESH STREAMING TABLE parted")
assert rows("SELECT name FROM parted WHERE id = 4") == [("d",)]
assert rows("DESCRIBE parted")[0] == ("id", "bigint", "key")
rows("INSERT INTO other VALUES (NULL, 'e')")
refused(developer, "REFRESH STREAMING TABLE parted", "NOT NULL")
assert rows("SELECT count(*) FROM parted") == [(3,)]

# Files: each once; a new column comes after the others, texts stay as they are.


def upload(name, text):
    sdk.files.upload("/Volumes/main/st/files/" + name, io.BytesIO(text.encode()), overwrite=True)


upload("in/1.csv", "id,code\n1,007\n2,x\n")
rows("CREATE STREAMING TABLE loaded AS SELECT * FROM STREAM read_files('/Volumes/main/st/files/in', format => 'csv')")
assert rows("SELECT * FROM loaded ORDER BY id") == [(1, "007"), (2, "x")]
upload("in/2.csv", "code,id,extra\n008,3,y\n,,z\n")
upload("in/deeper/3.csv", "id\n4\n")
upload("in/_hidden.csv", "id\n5\n")
rows("REFRESH STREAMING TABLE loaded")
assert rows("SELECT id, code, extra FROM loaded WHERE id IS NOT NULL ORDER BY id") == [(1, "007", None), (2, "x", None), (3, "008", "y"), (4, None, None)], rows("SELECT * FROM loaded")
rows("REFRESH STREAMING TABLE loaded")
upload("in/1.csv", "id,code\n11,again\n")
rows("REFRESH STREAMING TABLE loaded")
assert rows("SELECT count(*), count(id) FROM loaded") == [(5, 4)]
upload("in/4.csv", "id,code\nword,y\n")
refused(developer, "REFRESH STREAMING TABLE loaded", "CAST_INVALID_INPUT")
assert rows("SELECT count(*), count(id) FROM loaded") == [(5, 4)]
upload("json/a.json", '{"a": 1, "b": "x"}\n')
rows("CREATE STREAMING TABLE told (a BIGINT, b STRING) AS SELECT a, b FROM STREAM read_files('/Volumes/main/st/files/json/*.json', format => 'json', schema => 'a BIGINT, b STRING') AS f")
upload("json/b.json", '{"a": 2}\n')
upload("json/b.txt", "no")
rows("REFRESH STREAMING TABLE told")
assert rows("SELECT * FROM told ORDER BY a") == [(1, "x"), (2, None)]

# What it is to others.
table = sdk.tables.get("main.st.taken")
assert table.table_type.value == "STREAMING_TABLE" and table.pipeline_id and table.data_source_format.value == "DELTA"
kinds = dict(rows("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'st'"))
assert kinds["taken"] == "STREAMING_TABLE" and kinds["names"] == "MANAGED"
assert rows("SELECT count(*) FROM information_schema.views WHERE table_name = 'taken'") == [(0,)]
told = rows("DESCRIBE EXTENDED further")
assert [row[1] for row in told if row[0] == "Refresh Schedule"] == ["EVERY 1 DAY"]
assert [row[1] for row in told if row[0] == "Type"] == ["STREAMING_TABLE"]

# Read by grant; sources are read with its owner's rights, row filters included.
for grant in ["USE CATALOG ON CATALOG main", "USE SCHEMA ON SCHEMA main.st", "SELECT ON TABLE main.st.other", "CREATE TABLE ON SCHEMA main.st", "READ VOLUME ON VOLUME main.st.files"]:
    rows(f"GRANT {grant} TO `ada@example.com`")
rows("DELETE FROM other WHERE id IS NULL")
rows("CREATE FUNCTION main.st.small(id INT) RETURN current_user() <> 'ada@example.com' OR id < 4")
rows("ALTER TABLE other SET ROW FILTER main.st.small ON (id)")
refused(ada, "SELECT * FROM main.st.taken", "INSUFFICIENT_PERMISSIONS")
refused(ada, "CREATE STREAMING TABLE main.st.hers AS SELECT * FROM STREAM main.st.source", "INSUFFICIENT_PERMISSIONS")
run(ada, "CREATE STREAMING TABLE main.st.hers AS SELECT id FROM STREAM main.st.other")
assert run(ada, "SELECT id FROM main.st.hers ORDER BY id") == [(2,), (3,)]
rows("INSERT INTO other VALUES (1, 'new'), (5, 'hidden')")
rows("REFRESH STREAMING TABLE main.st.hers")
assert run(ada, "SELECT id FROM main.st.hers ORDER BY id") == [(1,), (2,), (3,)]
rows("REVOKE READ VOLUME ON VOLUME main.st.files FROM `ada@example.com`")
refused(ada, "CREATE STREAMING TABLE main.st.hers2 AS SELECT * FROM STREAM read_files('/Volumes/main/st/files/in', format => 'csv')", "INSUFFICIENT_PERMISSIONS")
refused(ada, "CREATE STREAMING TABLE main.st.hers2 AS SELECT * FROM STREAM read_files('/etc', format => 'csv')", "INSUFFICIENT_PERMISSIONS")
rows("DROP TABLE taken")
rows("DROP STREAMING TABLE further")
print("ok")
