"""What statements beside queries do, seen through the connector and, for tables, through another reader of Delta."""

import os
import tempfile

import pyarrow.parquet
from databricks import sql
from deltalake import DeltaTable, QueryBuilder

work = tempfile.mkdtemp()
connection = sql.connect(
    server_hostname=os.environ["DATABRICKS_HOST"],
    http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
    access_token=os.environ["DEVELOPER_TOKEN"],
    staging_allowed_local_path=work,
)


def rows(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, *parameters)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def one(statement, *parameters):
    found = rows(statement, *parameters)
    assert len(found) == 1, found
    return found[0]


def refused(statement, *texts):
    try:
        found = rows(statement)
    except sql.exc.Error as error:
        assert any(text in str(error) for text in texts), f"{statement}: {error}"
        return
    raise AssertionError(f"{statement} gave {found}")


def put(name, text):
    with open(os.path.join(work, name), "w") as file:
        file.write(text)
    with connection.cursor() as cursor:
        cursor.execute(f"PUT '{work}/{name}' INTO '/Volumes/main/lab/files/{name}' OVERWRITE")


def delta(table):
    return DeltaTable(one(f"SELECT location FROM (DESCRIBE DETAIL {table})")[0])


def read(table, column):
    """A column as the other reader sees it, sorted."""
    found = QueryBuilder().register("t", delta(table)).execute(f"SELECT {column} FROM t ORDER BY 1").read_all()
    return [value for value in found.column(0).to_pylist()]


rows("CREATE SCHEMA main.lab")
rows("USE main.lab")
rows("CREATE VOLUME files")

# Scripts: variables, branches, loops, labels, handlers, the last rows.
assert rows("""BEGIN
  DECLARE total INT DEFAULT 0; DECLARE i INT = 0;
  adding: WHILE i < 10 DO
    SET i = i + 1;
    IF i = 3 THEN ITERATE adding; ELSEIF i > 5 THEN LEAVE adding; END IF;
    SET total = total + i;
  END WHILE adding;
  SELECT total, i;
END""") == [(12, 6)]
assert rows("""BEGIN
  DECLARE said STRING DEFAULT '';
  DECLARE EXIT HANDLER FOR DIVIDE_BY_ZERO SELECT concat(said, 'caught');
  SET said = 'well ';
  SELECT 1 / 0;
  SELECT 'not reached';
END""") == [("well caught",)]
assert rows("""BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
    DECLARE condition, state, message STRING;
    GET DIAGNOSTICS CONDITION 1 condition = CONDITION_IDENTIFIER, state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    SELECT condition, state, message LIKE 'Division by zero%' AND message NOT LIKE '%SQLSTATE%';
  END;
  SELECT 1 / 0;
END""") == [("DIVIDE_BY_ZERO", "22012", True)]
refused("BEGIN DECLARE m STRING; GET DIAGNOSTICS CONDITION 1 m = MESSAGE_TEXT; END", "GET_DIAGNOSTICS_WITHOUT_ACTIVE_HANDLER")
refused("BEGIN DECLARE l INT; DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN GET DIAGNOSTICS CONDITION 1 l = LINE_NUMBER; END; SELECT 1 / 0; END",
        "does not support LINE_NUMBER")
assert rows("BEGIN FOR r AS SELECT id, id * 2 AS twice FROM range(3) DO VALUES (r.id, twice); END FOR; END") == [(2, 4)]
assert rows("BEGIN DECLARE x, y INT; SET (x, y) = (SELECT 1, 2); REPEAT SET x = x + y; UNTIL x > 6 END REPEAT; SELECT x; END") == [(7,)]
refused("BEGIN DECLARE bad CONDITION FOR SQLSTATE '45123'; SIGNAL bad SET MESSAGE_TEXT = 'no ' || 'more'; END", "no more")
refused("BEGIN SELECT x; END", "UNRESOLVED_COLUMN")
refused("START TRANSACTION", "PARSE_SYNTAX_ERROR")

# Session variables and EXECUTE IMMEDIATE.
rows("DECLARE VARIABLE a INT DEFAULT 1")
rows("DECLARE VARIABLE words ARRAY<STRING> DEFAULT array('x', 'y')")
rows("SET VAR a = a + 1")
rows("SET VAR (a) = (SELECT max(id) FROM range(5))")
assert one("SELECT a, session.words[1], words[a - 4]") == (4, "y", "x")
refused("SELECT words[a]", "INVALID_ARRAY_INDEX")
rows("DECLARE VARIABLE t STRING DEFAULT 'main.lab.loose'")
rows("CREATE TABLE loose AS SELECT id FROM range(4)")
assert one("SELECT count(*) FROM IDENTIFIER(t)") == (4,)
assert one("EXECUTE IMMEDIATE 'SELECT count(*) FROM loose WHERE id >= ?' USING a - 2") == (2,)
assert one("EXECUTE IMMEDIATE 'SELECT :x || :y' USING 'a' AS x, 'b' AS y") == ("ab",)
rows("EXECUTE IMMEDIATE 'SELECT sum(id) FROM loose' INTO a")
assert one("SELECT a") == (6,)
refused("SET VAR nothing = 1", "VARIABLE_NOT_FOUND")

# COPY INTO loads a file once, and a changed one again.
put("one.csv", "id,name\n1,x\n2,y\n")
rows("CREATE TABLE copied")
copy = "COPY INTO copied FROM '/Volumes/main/lab/files' FILEFORMAT = CSV PATTERN = '*.csv' FORMAT_OPTIONS ('header' = 'true', 'inferSchema' = 'true') COPY_OPTIONS ('mergeSchema' = 'true')"
assert one(copy) == (2, 2, 0)
assert one(copy) == (0, 0, 0)
put("two.csv", "id,name,extra\n3,z,q\n")
assert one(copy) == (1, 1, 0)
assert rows("SELECT * FROM copied ORDER BY id") == [(1, "x", None), (2, "y", None), (3, "z", "q")]
put("three.csv", "id,more\n4,m\n")
refused("COPY INTO copied FROM '/Volumes/main/lab/files/three.csv' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')", "COPY_INTO_SCHEMA_MISMATCH")
refused("COPY INTO copied FROM '/Volumes/main/lab/files/nothing' FILEFORMAT = CSV", "PATH_NOT_FOUND")

# Nothing of a file wraps around: the engine is asked for its types.
put("big.csv", "i,l\n2147483647,9223372036854775807\n1,1\n")
for expression in ["l + 1", "sum(l)", "l * 2", "CAST(i AS INT) + CAST(i AS INT)"]:
    refused(f"SELECT {expression} FROM read_files('/Volumes/main/lab/files/big.csv', format => 'csv')", "OVERFLOW")
assert one("SELECT sum(i) FROM read_files('/Volumes/main/lab/files/big.csv')") == (2147483648,)

# Small files become fewer; rows and history stay; another reader agrees.
rows("CREATE TABLE small (id INT, p STRING) PARTITIONED BY (p)")
for number in range(4):
    rows(f"INSERT INTO small VALUES ({number}, 'a'), ({number + 10}, NULL)")
rows("DELETE FROM small WHERE id = 12")
files = len(delta("small").file_uris())
assert files in (7, 8), files
path, metrics = one("OPTIMIZE small")
added = metrics["numFilesAdded"]
assert added < files == metrics["numFilesRemoved"], metrics
assert len(delta("small").file_uris()) == added
expected = [(0, "a"), (1, "a"), (2, "a"), (3, "a"), (10, None), (11, None), (13, None)]
assert rows("SELECT * FROM small ORDER BY id") == expected
assert read("small", "id") == [row[0] for row in expected]
history = rows("SELECT operation, userName, operationMetrics['numRemovedFiles'] FROM (DESCRIBE HISTORY small) ORDER BY version")
assert history[-1] == ("OPTIMIZE", "developer@example.com", str(files)), history
assert {row[1] for row in history} == {"developer@example.com"}
assert one("OPTIMIZE small ZORDER BY (id)")[1]["numFilesAdded"] <= added
assert rows("SHOW PARTITIONS small") in ([("a",), (None,)], [(None,), ("a",)])
assert one("SELECT count(*) FROM small VERSION AS OF 4") == (8,)
rows("VACUUM small RETAIN 168 HOURS")
assert rows("RESTORE TABLE small TO VERSION AS OF 1")[0][1] == 2
assert one("SELECT count(*) FROM small") == (2,)

# OPTIMIZE changes no row, also of files with deleted rows, NULLs and nested values; a second one changes nothing.
rows("CREATE TABLE whole (id BIGINT, k BIGINT, s STRING, x DOUBLE, d DECIMAL(12, 2), at TIMESTAMP, l ARRAY<BIGINT>, m STRUCT<a: BIGINT>)")
for number in range(4):
    rows(f"""INSERT INTO whole SELECT id, id * 7919 % 10007 AS k, concat('s', id) AS s, id / 3 AS x,
        CAST(id AS DECIMAL(12, 2)) AS d, timestamp_seconds(id) AS at, array(id) AS l, named_struct('a', id) AS m FROM range({number}, 10000, 4)""")
rows("DELETE FROM whole WHERE id % 10 = 3")
rows("UPDATE whole SET s = NULL, l = NULL WHERE id % 10 = 4")
assert rows("SELECT count(*), count(l[0]), sum(l[0] - id), count(l[id - id]) FROM whole") == [(9000, 8000, 0, 8000)]
assert rows("SELECT l[0] FROM whole WHERE id IN (4, 5) ORDER BY id") == [(None,), (5,)]


def whole(moment=""):
    return rows(f"SELECT id, k, s, x, d, at, array_join(l, ','), m.a FROM whole{moment} ORDER BY id")


def by_the_other_reader():
    text = "concat(CAST(id AS VARCHAR), '|', CAST(k AS VARCHAR), '|', coalesce(s, 'none'))"
    return read("whole", text)


def in_order(values):
    return all(one <= next_one for one, next_one in zip(values, values[1:]))


def of_files(table, number):
    """The values of a column, by its place, in each file of a table."""
    tables = [pyarrow.parquet.read_table(file.removeprefix("file://")) for file in delta(table).file_uris()]
    return [found.column(number).to_pylist() for found in tables]


def spread():
    """How much of the values of `k` the files span, all together."""
    return sum(max(ks) - min(ks) for ks in of_files("whole", 1))


spread_before = spread()
before, version = whole(), one("SELECT max(version) FROM (DESCRIBE HISTORY whole)")[0]
assert len(before) == 9000 and sum(row[2] is None for row in before) == 1000
told = sorted(f"{row[0]}|{row[1]}|{row[2] or 'none'}" for row in before)
old = len(delta("whole").file_uris())
metrics = one("OPTIMIZE whole")[1]
added = len(delta("whole").file_uris())
assert (metrics["numFilesRemoved"], metrics["numFilesAdded"]) == (old, added), metrics
assert sum(len(ids) for ids in of_files("whole", 0)) == 9000
assert whole() == before and one("SELECT count(*) FROM whole") == (9000,)
assert by_the_other_reader() == told
assert whole(f" VERSION AS OF {version}") == before
history = rows("SELECT version, operation FROM (DESCRIBE HISTORY whole) ORDER BY version")
assert history[-1] == (version + 1, "OPTIMIZE"), history
settled = delta("whole").file_uris()
metrics = one("OPTIMIZE whole")[1]
assert (metrics["numFilesRemoved"], metrics["numFilesAdded"], metrics["totalFilesSkipped"]) == (0, 0, added), metrics
assert rows("SELECT version, operation FROM (DESCRIBE HISTORY whole) ORDER BY version") == history
assert delta("whole").file_uris() == settled

# ZORDER BY sorts every file that it writes, and says when it cannot.
assert not any(in_order(ks) for ks in of_files("whole", 1))
rows("OPTIMIZE whole ZORDER BY (k)")
assert all(in_order(ks) for ks in of_files("whole", 1))
assert spread() * 2 < spread_before, (spread(), spread_before)
assert whole() == before and by_the_other_reader() == told
refused("OPTIMIZE small ZORDER BY (p)", "DELTA_ZORDERING_ON_PARTITION_COLUMN")
refused("OPTIMIZE small ZORDER BY (nothing)", "UNRESOLVED_COLUMN")
rows("DELETE FROM whole WHERE true")
rows("OPTIMIZE whole")
assert whole() == [] and by_the_other_reader() == []

# CLUSTER BY is kept, shown, followed by renames, and what OPTIMIZE sorts by.
rows("CREATE TABLE heap (id BIGINT, k BIGINT, l ARRAY<INT>) CLUSTER BY (K) TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")


def clustered(table):
    columns, properties = one(f"SELECT clusteringColumns, properties FROM (DESCRIBE DETAIL {table})")
    assert "clusteringColumns" not in dict(properties)
    return list(columns)


assert clustered("heap") == ["k"]
assert "CLUSTER BY (k)" in one("SHOW CREATE TABLE heap")[0].replace("`", "")
rows("INSERT INTO heap SELECT id, id * 7919 % 1009, CAST(NULL AS ARRAY<INT>) FROM range(500)")
rows("INSERT INTO heap SELECT id, id * 7919 % 1009, CAST(NULL AS ARRAY<INT>) FROM range(500, 1000)")
heap = rows("SELECT id, k FROM heap ORDER BY id")
rows("OPTIMIZE heap")
assert all(in_order(ks) for ks in of_files("heap", 1)) and not any(in_order(ids) for ids in of_files("heap", 0))
rows("ALTER TABLE heap CLUSTER BY (id)")
assert clustered("heap") == ["id"]
operation, parameters = rows("SELECT operation, operationParameters FROM (DESCRIBE HISTORY heap) ORDER BY version DESC LIMIT 1")[0]
assert operation == "CLUSTER BY" and dict(parameters)["newClusteringColumns"] == "id", (operation, parameters)
assert one("OPTIMIZE heap")[1]["numFilesAdded"] == 0
assert one("OPTIMIZE heap FULL")[1]["numFilesAdded"] > 0
assert all(in_order(ids) for ids in of_files("heap", 0))
assert rows("SELECT id, k FROM heap ORDER BY id") == heap
rows("ALTER TABLE heap RENAME COLUMN id TO number")
assert clustered("heap") == ["number"]
refused("ALTER TABLE heap DROP COLUMN number", "DELTA_UNSUPPORTED_DROP_CLUSTERING_COLUMN")
refused("OPTIMIZE heap ZORDER BY (k)", "DELTA_CLUSTERING_WITH_ZORDER_BY")
refused("ALTER TABLE heap CLUSTER BY (nothing)", "UNRESOLVED_COLUMN")
refused("ALTER TABLE heap CLUSTER BY (l)", "DELTA_CLUSTERING_COLUMNS_DATATYPE_NOT_SUPPORTED")
refused("ALTER TABLE heap SET TBLPROPERTIES ('clusteringColumns' = '[]')", "clusteringColumns")
refused("ALTER TABLE small CLUSTER BY AUTO", "DELTA_ALTER_TABLE_CLUSTER_BY_ON_PARTITIONED_TABLE_NOT_ALLOWED")
refused("ALTER TABLE small CLUSTER BY (id)", "DELTA_ALTER_TABLE_CLUSTER_BY_ON_PARTITIONED_TABLE_NOT_ALLOWED")
refused("CREATE TABLE both (id INT, p INT) PARTITIONED BY (p) CLUSTER BY (id)", "DELTA_CLUSTER_BY_WITH_PARTITIONED_BY")
rows("ALTER TABLE heap CLUSTER BY NONE")
assert clustered("heap") == []
refused("SELECT * FROM table_changes('heap', 0)", "UNSUPPORTED_FEATURE")

# Clones have rows, properties and a life of their own.
rows("RESTORE TABLE small TO VERSION AS OF 5")
assert one("CREATE TABLE deep DEEP CLONE small")[3] == files
assert one("CREATE OR REPLACE TABLE shallow SHALLOW CLONE small VERSION AS OF 1")[1] == 2
rows("DELETE FROM deep WHERE id < 3")
assert (one("SELECT count(*) FROM deep"), one("SELECT count(*) FROM small"), one("SELECT count(*) FROM shallow")) == ((4,), (7,), (2,))
assert rows("DESCRIBE HISTORY deep")[-1][4] == "CLONE"
rows("DROP TABLE small")
assert one("SELECT count(*) FROM shallow") == (2,)

# What is dropped can come back.
refused("SELECT * FROM small", "TABLE_OR_VIEW_NOT_FOUND")
assert rows("SELECT 1")
rows("UNDROP TABLE small")
assert one("SELECT count(*) FROM small") == (7,)

# Columns are renamed and dropped when they are mapped by name, and not otherwise.
rows("CREATE TABLE shape (id INT, old STRING, gone INT, s STRUCT<a: INT, b: INT>)")
rows("INSERT INTO shape VALUES (1, 'x', 9, named_struct('a', 1, 'b', 2))")
refused("ALTER TABLE shape RENAME COLUMN old TO new", "DELTA_UNSUPPORTED_RENAME_COLUMN")
refused("ALTER TABLE shape DROP COLUMN gone", "DELTA_UNSUPPORTED_DROP_COLUMN")
refused("ALTER TABLE shape SET TBLPROPERTIES ('delta.minReaderVersion' = '4')", "INVALID_PARAMETER_VALUE")
rows("ALTER TABLE shape SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')")
assert ("delta.minReaderVersion", "3") in rows("SHOW TBLPROPERTIES shape")
rows("ALTER TABLE shape RENAME COLUMN old TO new")
rows("ALTER TABLE shape DROP COLUMN gone")
rows("ALTER TABLE shape ADD COLUMN late STRING AFTER id")
rows("INSERT INTO shape VALUES (2, 'l', 'y', named_struct('a', 3, 'b', 4))")
rows("ALTER TABLE shape ALTER COLUMN late FIRST")
assert rows("SELECT late, id, new, s.b FROM shape ORDER BY id") == [(None, 1, "x", 2), ("l", 2, "y", 4)]
assert [row[0] for row in rows("DESCRIBE shape")] == ["late", "id", "new", "s"]
rows("OPTIMIZE shape")
assert read("shape", "new") == ["x", "y"]
assert one("SELECT count(*) FROM shape WHERE late = 'l' AND s.a = 3") == (1,)

# Constraints: checks and NOT NULL are held, also by rows that are there; keys are told.
rows("CREATE TABLE parent (id INT NOT NULL, CONSTRAINT parent_key PRIMARY KEY (id))")
rows("CREATE TABLE child (id INT, up INT, CONSTRAINT up_key FOREIGN KEY (up) REFERENCES parent (id))")
rows("INSERT INTO child VALUES (1, 7), (NULL, 8)")
refused("INSERT INTO parent VALUES (NULL)", "NOT_NULL", "NOT NULL", "null")
refused("ALTER TABLE child ADD CONSTRAINT small CHECK (up < 8)", "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION")
rows("ALTER TABLE child ADD CONSTRAINT small CHECK (up < 9)")
refused("INSERT INTO child VALUES (2, 9)", "CHECK", "small")
refused("UPDATE child SET up = 9 WHERE id = 1", "CHECK constraint small")
refused("UPDATE child SET up = 9 WHERE id IN (SELECT 1)", "CHECK constraint small")
refused("MERGE INTO child c USING (SELECT 2 AS id, 9 AS up) s ON c.id = s.id WHEN NOT MATCHED THEN INSERT *", "CHECK constraint small")
refused("MERGE INTO child c USING (SELECT 1 AS id) s ON c.id = s.id WHEN MATCHED THEN UPDATE SET up = 10", "CHECK constraint small")
assert rows("SELECT id, up FROM child ORDER BY up") == [(1, 7), (None, 8)]
assert one("UPDATE child SET up = 7 WHERE id = 1") == (1,)
refused("ALTER TABLE child ALTER COLUMN id SET NOT NULL", "DELTA_NEW_NOT_NULL_VIOLATION")
assert rows("SHOW KEYS IN parent") == [("id", "parent_key", 1)]
assert rows("SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_schema = 'lab' ORDER BY 1") == [
    ("parent_key", "PRIMARY KEY"), ("up_key", "FOREIGN KEY")]
assert "CONSTRAINT `parent_key` PRIMARY KEY" in one("SHOW CREATE TABLE parent")[0]

# Tags, by both roads.
rows("ALTER TABLE child SET TAGS ('pii' = 'yes', 'team')")
rows("ALTER TABLE child ALTER COLUMN up SET TAGS ('kind' = 'key')")
assert rows("SHOW TAGS ON TABLE child") == [("pii", "yes"), ("team", "")]
assert rows("SELECT table_name, tag_name, tag_value FROM information_schema.table_tags WHERE schema_name = 'lab' ORDER BY 2") == [
    ("child", "pii", "yes"), ("child", "team", "")]
assert rows("SELECT column_name, tag_name FROM system.information_schema.column_tags WHERE schema_name = 'lab'") == [("up", "kind")]
rows("ALTER TABLE child UNSET TAGS ('team')")
assert rows("SHOW TAGS ON TABLE child") == [("pii", "yes")]

# Changes count what they changed; a merge brings new columns when it is told to.
rows("CREATE TABLE target (id INT, v STRING)")
rows("INSERT INTO target VALUES (1, 'a'), (2, 'b'), (3, 'c')")
assert one("""MERGE WITH SCHEMA EVOLUTION INTO target t USING (SELECT 2 id, 'B' v, 'n' extra UNION ALL SELECT 9, 'z', 'm') s ON t.id = s.id
WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT * WHEN NOT MATCHED BY SOURCE AND t.id = 3 THEN DELETE""") == (3, 1, 1, 1)
assert rows("SELECT * FROM target ORDER BY id") == [(1, "a", None), (2, "B", "n"), (9, "z", "m")]
# What a source lacks is left as it is, and NULL in new rows; without schema evolution it is an error.
refused("MERGE INTO target t USING (SELECT 1 AS id, 'q' AS v) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET *",
        "DELTA_MERGE_UNRESOLVED_EXPRESSION")
rows("""MERGE WITH SCHEMA EVOLUTION INTO target t USING (SELECT 2 AS id, 5 AS price UNION ALL SELECT 4, 6) s ON t.id = s.id
WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *""")
assert rows("SELECT * FROM target ORDER BY id") == [
    (1, "a", None, None), (2, "B", "n", 5), (4, None, None, 6), (9, "z", "m", None)]
rows("CREATE TABLE grown (id INT, v STRING)")
refused("INSERT INTO grown BY NAME SELECT 1 AS id, 2.5BD AS price", "UNRESOLVED_COLUMN")
assert one("INSERT WITH SCHEMA EVOLUTION INTO grown BY NAME SELECT 2.5BD AS price, 1 AS id") == (1, 1)
assert one("INSERT WITH SCHEMA EVOLUTION INTO grown SELECT 2, 'w', 3.5BD AS cost, true AS sold") == (1, 1)
assert one("INSERT WITH SCHEMA EVOLUTION INTO grown VALUES (3, 'x', 4.5BD, false)") == (1, 1)
assert [tuple(map(str, row)) for row in rows("SELECT * FROM grown ORDER BY id")] == [
    ("1", "None", "2.5", "None"), ("2", "w", "3.5", "True"), ("3", "x", "4.5", "False")]
assert one("INSERT INTO target REPLACE USING (id) VALUES (9, 'y', 'k', 7)") == (1, 1)
assert rows("SELECT v FROM target WHERE id = 9") == [("y",)]
rows("CREATE TABLE swapped AS SELECT * FROM VALUES (1, 'a', CAST(NULL AS STRING)), (2, 'B', 'n'), (9, 'y', 'k') AS t(id, v, extra)")
replace = "REPLACE ON (t.id <=> s.id AND t.v = s.v) (SELECT 'o' AS extra, 9 AS id, 'y' AS v) AS s"
assert one(f"INSERT INTO TABLE swapped AS t BY NAME {replace}") == (1, 1)
assert rows("SELECT id, v, extra FROM swapped WHERE id = 9") == [(9, "y", "o")]
rows("INSERT INTO swapped t REPLACE ON (s.id = t.id) (SELECT CAST(NULL AS INT), 'none', 'n') s (id, v, extra)")
rows("INSERT INTO swapped t REPLACE ON (s.id = t.id) (SELECT CAST(NULL AS INT) AS id, 'none', 'n') s")
assert one("SELECT count(*) FROM swapped WHERE id IS NULL") == (2,), "NULL equals nothing"
assert one("INSERT INTO swapped t BY NAME REPLACE ON (t.id <=> s.id) (SELECT CAST(NULL AS INT) AS id UNION ALL SELECT CAST(id AS INT) FROM range(3, 60)) s")[0] == 58
assert one("SELECT count(*), count(id), count(extra) FROM swapped WHERE id IS NULL OR id > 2") == (58, 57, 0)
refused("INSERT INTO swapped t REPLACE ON (t.id < s.id) (SELECT 9 AS id, 'y', 'k') s", "UNSUPPORTED_FEATURE")

# A partition that is named without a value is a column like others; one with a value is replaced alone.
rows("CREATE TABLE parted (p STRING, q INT, id INT) PARTITIONED BY (p, q)")
rows("INSERT INTO parted PARTITION (p, q) VALUES ('a', 1, 10), ('b', 1, 20)")
rows("INSERT OVERWRITE parted PARTITION (p = 'b', q) BY NAME SELECT 21 AS id, 2 AS q")
assert rows("SELECT * FROM parted ORDER BY id") == [("a", 1, 10), ("b", 2, 21)]
rows("INSERT OVERWRITE TABLE parted PARTITION (p) SELECT 'c', 3, 30")
assert rows("SELECT * FROM parted") == [("c", 3, 30)]
refused("INSERT INTO parted PARTITION (nothing) SELECT 'c', 3, 30", "UNRESOLVED_COLUMN")

# Functions: types are found, bodies are checked, defaults and names hold; temporary ones end with the session.
rows("CREATE FUNCTION area(a DOUBLE, b DOUBLE DEFAULT 2) RETURN a * b")
assert one("SELECT area(3), area(b => 1, a => 4), typeof(area(1))") == (6.0, 4.0, "double")
refused("CREATE FUNCTION wrong(a INT) RETURNS INT RETURN nothing + 1", "UNRESOLVED_COLUMN")
rows("CREATE TEMPORARY FUNCTION twice(x INT) RETURNS INT RETURN x * 2")
assert one("SELECT twice(4)") == (8,)
rows("DROP TEMPORARY FUNCTION twice")
refused("SELECT twice(4)", "UNRESOLVED_ROUTINE")
rows("CREATE FUNCTION py(x INT) RETURNS INT LANGUAGE PYTHON AS $$ return x + 1 $$")
assert one("SELECT py(4)") == (5,)
refused("SELECT py(CAST(id AS INT)) FROM range(3)", "UNSUPPORTED_FEATURE")

# Files and views over them; the directory of a query's rows.
rows("INSERT OVERWRITE DIRECTORY '/Volumes/main/lab/files/out' USING parquet SELECT id, 'r' AS r FROM range(3)")
assert one("SELECT count(*), max(r) FROM parquet.`/Volumes/main/lab/files/out`") == (3, "r")
rows("CREATE TEMPORARY VIEW lines USING csv OPTIONS (path '/Volumes/main/lab/files/one.csv', header 'true')")
assert rows("SELECT name FROM lines ORDER BY id") == [("x",), ("y",)]
rows("CREATE VIEW renamed (a COMMENT 'key', b) AS SELECT id, v FROM target WHERE id = 2")
assert one("SELECT view_definition FROM information_schema.views WHERE table_name = 'renamed'") == ("SELECT id, v FROM target WHERE id = 2",)
assert (one("SELECT * FROM renamed"), one("SELECT b FROM renamed WHERE a = 2")) == ((2, "B"), ("B",))
assert rows("DESCRIBE renamed")[0] == ("a", "int", "key")
rows("CREATE VIEW half AS SELECT id FROM target WHERE id < 5")
rows("ALTER VIEW half AS SELECT id, v FROM target WHERE id > 5")
assert rows("SELECT * FROM half") == [(9, "y")]

# Models behind SQL, plans, what ran.
assert one("SELECT ai_query('model', 'hello')") == ("you said hello",)
refused("SELECT ai_query('nowhere', 'hello')", "does not exist", "not found")
assert "== Physical Plan ==" in rows("EXPLAIN SELECT id FROM target")[0][0]
assert "TABLE_OR_VIEW_NOT_FOUND" in rows("EXPLAIN SELECT * FROM nothing")[0][0]
assert rows("SELECT count(*) > 5, max(executed_by) FROM system.query.history WHERE statement_type = 'CREATE'") == [(True, "developer@example.com")]
refused("SELECT * FROM system.access.audit", "TABLE_OR_VIEW_NOT_FOUND")
print("ok")
