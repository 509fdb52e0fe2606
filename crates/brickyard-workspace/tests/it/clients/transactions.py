"""Transactions of several statements, over Thrift and with `use_sea`, and what a second reader of Delta finds."""

import os
import pathlib

from databricks import sql
from deltalake import DeltaTable, QueryBuilder

state = pathlib.Path(os.environ["STATE"])
managed = "TBLPROPERTIES ('delta.feature.catalogManaged' = 'supported')"


class Session:
    def __init__(self, sea, token="DATABRICKS_TOKEN"):
        self.connection = sql.connect(
            server_hostname=os.environ["DATABRICKS_HOST"],
            http_path="/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
            access_token=os.environ[token],
            ignore_transactions=False,
            use_sea=sea,
        )

    def __call__(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def refused(self, statement, *texts):
        try:
            found = self(statement)
        except sql.exc.Error as error:
            assert any(text in str(error) for text in texts), f"{statement}: {error}"
            return
        raise AssertionError(f"{statement} gave {found}")


def branches():
    place = state / "transactions"
    return sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []


def directory(session, table):
    return session(f"DESCRIBE DETAIL {table}")[0][4].removeprefix("file://")


for sea in (False, True):
    one, two = Session(sea), Session(sea)
    schema = f"main.txn_{'sea' if sea else 'thrift'}"
    one(f"CREATE SCHEMA {schema}")
    for each in (one, two):
        each(f"USE {schema}")
    one(f"CREATE TABLE account (id INT, balance INT) {managed}")
    one(f"CREATE TABLE log (id INT, note STRING, day DATE) PARTITIONED BY (day) {managed}")
    one("INSERT INTO account VALUES (1, 100), (2, 50)")
    one("CREATE VIEW rich AS SELECT * FROM account WHERE balance > 60")

    # Own writes are seen by oneself, by views too, and the others' are not; both tables come at once.
    one("BEGIN TRANSACTION")
    assert one("SELECT sum(balance) FROM account") == [(150,)]
    two("UPDATE account SET balance = 51 WHERE id = 2")
    assert one("SELECT sum(account.balance) FROM account") == [(150,)], "what was read stays"
    one("ROLLBACK")
    assert one("SELECT sum(balance) FROM account") == [(151,)]
    one("BEGIN WORK")
    assert one("UPDATE account SET balance = account.balance - 30 WHERE account.id = 1") == [(1,)]
    assert one(f"MERGE INTO account USING (SELECT 2 AS id, 30 AS plus) s ON account.id = s.id "
               f"WHEN MATCHED THEN UPDATE SET balance = account.balance + s.plus") == [(1, 1, 0, 0)]
    assert one("INSERT INTO log VALUES (1, 'moved', DATE'2026-01-02'), (2, 'moved', DATE'2026-01-03')") == [(2, 2)]
    assert one("DELETE FROM log WHERE log.id IN (SELECT 2)") == [(1,)]
    assert one("SELECT * FROM account ORDER BY id") == [(1, 70), (2, 81)]
    assert one("SELECT count(*) FROM rich") == [(2,)] and two("SELECT count(*) FROM rich") == [(1,)]
    assert two("SELECT count(*) FROM log") == [(0,)]
    assert [row[:2] for row in one("DESCRIBE TABLE account")] == [("id", "int"), ("balance", "int")]
    assert len(branches()) == 1
    before = two("DESCRIBE HISTORY account")[0][0]
    one("COMMIT TRANSACTION")
    assert branches() == []
    history = two("DESCRIBE HISTORY account")
    assert history[0][0] == before + 1 and history[0][3] == "developer@example.com", history[0]
    assert two("SELECT * FROM account ORDER BY id") == [(1, 70), (2, 81)]
    assert two("SELECT id, note FROM log") == [(1, "moved")]
    table = DeltaTable(directory(two, "log"))
    assert table.version() == 1
    found = QueryBuilder().register("log", table).execute("SELECT id, note FROM log").read_all()
    assert [found.column(at).to_pylist() for at in (0, 1)] == [[1], ["moved"]]
    one("OPTIMIZE account")

    # Two that change the same rows: the first wins, the second must roll back.
    for each in (one, two):
        each.connection.autocommit = False
        assert each("SET AUTOCOMMIT") == [("false",)]
        each("UPDATE account SET balance = balance + 1 WHERE id = 1")
    one.connection.commit()
    two.refused("COMMIT", "DELTA_CONCURRENT_DELETE_DELETE")
    two.refused("SELECT 1", "TRANSACTION_ROLLBACK_REQUIRED_AFTER_ABORT.PREVIOUS_QUERY_FAILURE")
    two.refused("COMMIT", "TRANSACTION_ROLLBACK_REQUIRED_AFTER_ABORT")
    two.connection.rollback()
    assert two("SELECT balance FROM account WHERE id = 1") == [(71,)]
    two.connection.commit()
    # Two that only append do not disturb each other, nor a change of other rows.
    one("INSERT INTO account VALUES (3, 3)")
    two("INSERT INTO account VALUES (4, 4)")
    one.connection.commit()
    two.connection.commit()
    one("UPDATE account SET balance = 0 WHERE id = 3")
    two("INSERT INTO account VALUES (5, 5)")
    two.connection.commit()
    one.connection.commit()
    assert one("SELECT id, balance FROM account WHERE id > 2 ORDER BY id") == [(3, 0), (4, 4), (5, 5)]
    one.connection.commit()
    # What was read must still hold where something was written from it.
    one("INSERT INTO account SELECT 6, max(balance) FROM account")
    two("DELETE FROM account WHERE id = 5")
    two.connection.commit()
    one.refused("COMMIT", "DELTA_CONCURRENT_DELETE_READ")
    one.connection.rollback()
    # A table of the same name is not the same table.
    one("INSERT INTO log VALUES (9, 'x', DATE'2026-01-02')")
    two.connection.autocommit = True
    two("DROP TABLE log")
    two(f"CREATE TABLE log (id INT, note STRING, day DATE) {managed}")
    one.refused("COMMIT", "UNDERLYING_TABLE_CHANGED")
    one.connection.rollback()
    one.connection.autocommit = True
    assert one("SET AUTOCOMMIT") == [("true",)] and one("SELECT count(*) FROM log") == [(0,)]

    # New columns are the transaction's own until it is committed.
    for end, columns in (("ROLLBACK", 2), ("COMMIT", 3)):
        one("BEGIN TRANSACTION")
        one("MERGE WITH SCHEMA EVOLUTION INTO account t USING (SELECT 1 AS id, 7 AS balance, 'n' AS note) s ON t.id = s.id "
            "WHEN MATCHED THEN UPDATE SET *")
        assert one("SELECT note FROM account WHERE id = 1") == [("n",)]
        assert len(two("SHOW COLUMNS IN account")) == 2
        one(end)
        assert len(two("SHOW COLUMNS IN account")) == columns, end

    # What a transaction does not take; each refusal ends it.
    one("CREATE TABLE plain (id INT)")
    for statement, kind, *others in [
        ("BEGIN TRANSACTION", "NESTED_TRANSACTION"),
        ("BEGIN ATOMIC SELECT 1; END", "NESTED_TRANSACTION"),
        ("SET AUTOCOMMIT = FALSE", "COMMAND"),
        ("CREATE TABLE other (id INT)", "COMMAND"),
        ("SHOW TABLES", "COMMAND"),
        ("SELECT * FROM (DESCRIBE HISTORY account)", "COMMAND"),
        ("OPTIMIZE account", "COMMAND"),
        ("DESCRIBE TABLE EXTENDED account", "COMMAND"),
        ("INSERT INTO plain VALUES (1)", "WRITE_NON_CATALOG_OWNED_TABLE"),
        ("SELECT * FROM account VERSION AS OF 1", "TIME_TRAVEL_QUERY"),
        ("SELECT * FROM account@v1", "TIME_TRAVEL_QUERY"),
        ("SELECT * FROM csv.`/Volumes/main/default/none/a.csv`", "PATH_BASED_ACCESS", "PERMISSION", "NOT_FOUND"),
        ("SELECT * FROM information_schema.tables", "INFORMATION_SCHEMA_TABLE"),
        ("SELECT * FROM system.query.history", "DELTA_SHARING"),
    ]:
        one("BEGIN TRANSACTION")
        one.refused(statement, "TRANSACTION_NOT_SUPPORTED." + kind, *others)
        one.refused("SELECT 1", "ROLLBACK_REQUIRED")
        one("ROLLBACK")
    one("BEGIN TRANSACTION")
    assert one("SELECT count(*) FROM plain") == [(0,)], "what cannot be written can be read"
    one.refused("SELECT nothing FROM account", "UNRESOLVED_COLUMN")
    one("ROLLBACK")
    one("ROLLBACK")
    one.refused("COMMIT", "NO_ACTIVE_TRANSACTION")

    # A block that is atomic: all of it or nothing; a handler goes on without the statement that failed.
    one("BEGIN ATOMIC INSERT INTO log VALUES (1, 'a', NULL); UPDATE account SET balance = 1 WHERE id = 1; END")
    assert one("SELECT balance FROM account WHERE id = 1") == [(1,)] and one("SELECT count(*) FROM log") == [(1,)]
    one.refused("BEGIN ATOMIC INSERT INTO log VALUES (2, 'b', NULL); SELECT 1 / 0; END", "DIVIDE_BY_ZERO")
    one.refused("BEGIN ATOMIC INSERT INTO log VALUES (2, 'b', NULL); COMMIT; END", "TRANSACTION_NOT_SUPPORTED.COMMAND")
    one.refused("BEGIN ATOMIC BEGIN ATOMIC SELECT 1; END; END", "NESTED_TRANSACTION")
    assert one("SELECT count(*) FROM log") == [(1,)]
    one("ALTER TABLE account ADD CONSTRAINT few CHECK (balance < 1000)")
    version = one("DESCRIBE HISTORY account")[0][0]
    one.refused("UPDATE account SET balance = 5000 WHERE id = 1", "CHECK constraint few")
    assert one("DESCRIBE HISTORY account")[0][0] == version, "a change that breaks a check is no version"
    one("""BEGIN ATOMIC
        DECLARE CONTINUE HANDLER FOR SQLEXCEPTION INSERT INTO log VALUES (3, 'too much', NULL);
        UPDATE account SET balance = 2 WHERE id = 1;
        UPDATE account SET balance = 5000 WHERE id = 2;
        END""")
    assert one("SELECT balance FROM account WHERE id < 3 ORDER BY id") == [(2,), (81,)]
    assert one("SELECT note FROM log WHERE id = 3") == [("too much",)]
    assert one("DESCRIBE HISTORY account")[0][0] == version + 1
    one("BEGIN TRANSACTION")
    one.refused("UPDATE account SET balance = 5000 WHERE id = 1", "CHECK constraint few")
    one.refused("COMMIT", "ROLLBACK_REQUIRED")
    one("ROLLBACK")

    # Keys without number, as one version; within a transaction as well.
    one(f"CREATE TABLE keyed {managed} AS SELECT CAST(id AS INT) AS id, 'old' AS v FROM range(9000)")
    version = one("DESCRIBE HISTORY keyed")[0][0]
    assert one("INSERT INTO keyed REPLACE USING (id) SELECT CAST(id AS INT), 'new' FROM range(4000, 10000)") == [(6000, 6000)]
    assert one("SELECT v, count(*) FROM keyed GROUP BY v ORDER BY v") == [("new", 6000), ("old", 4000)]
    assert one("DESCRIBE HISTORY keyed")[0][0] == version + 1 and one("DESCRIBE HISTORY keyed")[0][4] == "WRITE"
    one("BEGIN TRANSACTION")
    one("INSERT INTO keyed t REPLACE ON (t.id = s.key AND t.v = s.v) (SELECT 1 AS key, 'old' AS v UNION ALL SELECT 2, 'new') s")
    assert one("SELECT id, v FROM keyed WHERE id IN (1, 2) ORDER BY id, v") == [(1, "old"), (2, "new"), (2, "old")]
    one("ROLLBACK")
    assert one("SELECT count(*) FROM keyed") == [(10000,)]
    one.refused("INSERT INTO keyed REPLACE USING (id) SELECT CAST(NULL AS INT), 1 / 0 FROM range(1)", "DIVIDE_BY_ZERO")
    assert one("SELECT count(*) FROM keyed") == [(10000,)]

    # Who ends a session ends its transaction.
    three = Session(sea)
    three(f"USE {schema}")
    three("BEGIN TRANSACTION")
    three("INSERT INTO log VALUES (7, 'lost', NULL)")
    assert len(branches()) == 1
    three.connection.close()
    assert branches() == [] and one("SELECT count(*) FROM log WHERE id = 7") == [(0,)]

    # Filters and grants hold in a transaction.
    one("CREATE FUNCTION small(b INT) RETURN b < 10 OR current_user() <> 'ada@example.com'")
    one("ALTER TABLE account SET ROW FILTER small ON (balance)")
    for grant in (f"USE CATALOG ON CATALOG main", f"USE SCHEMA ON SCHEMA {schema}", f"SELECT ON TABLE {schema}.account"):
        one(f"GRANT {grant} TO `ada@example.com`")
    ada = Session(sea, "ADA_TOKEN")
    ada(f"USE {schema}")
    ada("BEGIN TRANSACTION")
    assert ada("SELECT id FROM account WHERE id < 3") == [(1,)]
    (name,) = branches()
    ada.refused("SELECT * FROM log", "INSUFFICIENT_PERMISSIONS", "SELECT")
    ada("ROLLBACK")
    ada("BEGIN TRANSACTION")
    ada.refused("INSERT INTO account VALUES (1, 1, 'x')", "MODIFY")
    ada("ROLLBACK")
    # A check holds for rows that are shown otherwise than they are.
    one("CREATE FUNCTION hidden(n INT) RETURN 0")
    one("CREATE TABLE masked (id INT, n INT MASK hidden)")
    one("INSERT INTO masked VALUES (1, 5), (2, 7)")
    one("ALTER TABLE masked ADD CONSTRAINT few CHECK (n < 10)")
    assert one("UPDATE masked SET n = 6 WHERE id = 1") == [(1,)]
    one.refused("UPDATE masked SET n = 60 WHERE id = 1", "CHECK constraint few")
    assert one("SELECT id, n FROM masked ORDER BY id") == [(1, 0), (2, 0)]
    for each in (one, two, ada):
        each.connection.close()
    assert branches() == []

print("ok")
