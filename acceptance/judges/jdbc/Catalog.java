import java.sql.*;
import java.util.*;

/** Every question that `java.sql.DatabaseMetaData` has for a catalog, asked of things made for it. */
class Catalog {
  static void check(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String sql : List.of(
          "DROP SCHEMA IF EXISTS main.jdbc_side CASCADE",
          "CREATE SCHEMA main.jdbc_side",
          "CREATE TABLE main.jdbc_side.parents (a INT NOT NULL, b STRING NOT NULL, CONSTRAINT parents_pk PRIMARY KEY (a, b))",
          "CREATE TABLE main.jdbc_side.child_things (id BIGINT NOT NULL, price DECIMAL(12,3) COMMENT 'what it costs', b STRING, a INT, "
              + "CONSTRAINT of_parents FOREIGN KEY (a, b) REFERENCES main.jdbc_side.parents (a, b))",
          "CREATE VIEW main.jdbc_side.seen AS SELECT 1 AS one",
          "CREATE FUNCTION main.jdbc_side.grow(x INT) RETURNS INT COMMENT 'by one' RETURN x + 1")) {
        statement.execute(sql);
      }
      DatabaseMetaData metadata = connection.getMetaData();
      check(texts(metadata.getCatalogs(), "TABLE_CAT").containsAll(List.of("main", "samples", "system")), "catalogs");
      equal(texts(metadata.getSchemas("main", "jdbc\\_side"), "TABLE_SCHEM TABLE_CATALOG"), List.of("jdbc_side main"));
      equal(texts(metadata.getSchemas("main", "jdbc_si%"), "TABLE_SCHEM"), List.of("jdbc_side"));
      check(texts(metadata.getSchemas(), "TABLE_SCHEM TABLE_CATALOG").contains("jdbc_side main"), "all schemas");

      equal(texts(metadata.getTables("main", "jdbc_side", "%", null), "TABLE_CAT TABLE_SCHEM TABLE_NAME TABLE_TYPE"), List.of(
          "main jdbc_side child_things TABLE", "main jdbc_side parents TABLE", "main jdbc_side seen VIEW"));
      equal(texts(metadata.getTables("main", "jdbc_side", "%", new String[] {"VIEW"}), "TABLE_NAME"), List.of("seen"));
      equal(texts(metadata.getTables("main", "jdbc_side", "child\\_th%", new String[] {"TABLE"}), "TABLE_NAME"), List.of("child_things"));
      equal(texts(metadata.getTables(null, "jdbc_side", "parents", null), "TABLE_CAT TABLE_NAME"), List.of("main parents"));
      equal(texts(metadata.getTables("nowhere", "%", "%", null), "TABLE_NAME"), List.of());
      check(texts(metadata.getTableTypes(), "TABLE_TYPE").containsAll(List.of("TABLE", "VIEW")), "table types");

      String column = "COLUMN_NAME TYPE_NAME DATA_TYPE DECIMAL_DIGITS NULLABLE IS_NULLABLE REMARKS";
      equal(texts(metadata.getColumns("main", "jdbc_side", "child_things", "%"), column), List.of(
          "a INT 4 0 1 YES ", "b STRING 12 0 1 YES ", "id BIGINT -5 0 0 NO ", "price DECIMAL 3 3 1 YES what it costs"));
      equal(texts(metadata.getColumns("main", "jdbc%", "%", "_"), "TABLE_NAME COLUMN_NAME"), List.of(
          "child_things a", "child_things b", "parents a", "parents b"));
      List<String> order = new ArrayList<>();
      try (ResultSet rows = metadata.getColumns("main", "jdbc_side", "child_things", null)) {
        while (rows.next()) order.add(rows.getString("COLUMN_NAME"));
      }
      equal(order, List.of("id", "price", "b", "a"));

      equal(texts(metadata.getPrimaryKeys("main", "jdbc_side", "parents"), "TABLE_NAME COLUMN_NAME KEY_SEQ PK_NAME"), List.of(
          "parents a 1 parents_pk", "parents b 2 parents_pk"));
      equal(texts(metadata.getPrimaryKeys("main", "jdbc_side", "seen"), "COLUMN_NAME"), List.of());
      String key = "PKTABLE_CAT PKTABLE_SCHEM PKTABLE_NAME PKCOLUMN_NAME FKTABLE_CAT FKTABLE_SCHEM FKTABLE_NAME FKCOLUMN_NAME KEY_SEQ FK_NAME";
      List<String> keys = List.of(
          "main jdbc_side parents a main jdbc_side child_things a 1 of_parents", "main jdbc_side parents b main jdbc_side child_things b 2 of_parents");
      equal(texts(metadata.getImportedKeys("main", "jdbc_side", "child_things"), key), keys);
      equal(texts(metadata.getCrossReference("main", "jdbc_side", "parents", "main", "jdbc_side", "child_things"), key), keys);
      equal(texts(metadata.getCrossReference("main", "jdbc_side", "seen", "main", "jdbc_side", "child_things"), key), List.of());
      // The driver asks no server for these over the statements API, since they are not kept there: it gives none.
      List<String> exported = texts(metadata.getExportedKeys("main", "jdbc_side", "parents"), key);
      check(exported.isEmpty() || exported.equals(keys), exported);

      equal(texts(metadata.getFunctions("main", "jdbc_side", "gr%"), "FUNCTION_CAT FUNCTION_SCHEM FUNCTION_NAME REMARKS"),
          List.of("main jdbc_side grow by one"));
      equal(texts(metadata.getProcedures("main", "jdbc_side", "%"), "PROCEDURE_NAME"), List.of());
      equal(texts(metadata.getProcedureColumns("main", "jdbc_side", "%", "%"), "COLUMN_NAME"), List.of());
      check(texts(metadata.getTypeInfo(), "TYPE_NAME DATA_TYPE").containsAll(List.of("BIGINT -5", "DECIMAL 3", "DATE 91")), "types");
      statement.execute("DROP SCHEMA main.jdbc_side CASCADE");
    }
  }

  /** The named columns of every row with a blank between, in order. */
  private static List<String> texts(ResultSet rows, String columns) throws SQLException {
    List<String> texts = new ArrayList<>();
    try (rows) {
      while (rows.next()) {
        StringJoiner text = new StringJoiner(" ");
        for (String column : columns.split(" ")) text.add(Objects.toString(rows.getString(column), ""));
        texts.add(text.toString());
      }
    }
    Collections.sort(texts);
    return texts;
  }

  private static void equal(List<String> found, List<String> expected) {
    if (!found.equals(expected)) throw new AssertionError(found + " is not " + expected);
  }

  private static void check(boolean right, Object what) {
    if (!right) throw new AssertionError(String.valueOf(what));
  }
}
