import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

/** What the open JDBC driver does: connect, types, parameters, large results, metadata, counts, errors, cancel. */
public class Judge {
  static void check(boolean right, Object what) {
    if (!right) throw new AssertionError(String.valueOf(what));
  }

  public static void main(String[] arguments) throws Exception {
    String url = "jdbc:databricks://" + System.getenv("DATABRICKS_SERVER_HOSTNAME") + ":443/default;transportMode=http;ssl=1;AuthMech=3;httpPath="
        + System.getenv("DATABRICKS_HTTP_PATH") + ";" + arguments[0];
    Properties properties = new Properties();
    properties.put("user", "token");
    properties.put("password", System.getenv("DATABRICKS_TOKEN"));
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      try (Statement statement = connection.createStatement();
          ResultSet rows = statement.executeQuery(
              "SELECT 1 i, 2.5D d, 'x' s, true b, CAST(1.50 AS DECIMAL(10,2)) c, DATE'2024-01-02' da, TIMESTAMP'2024-01-02 03:04:05' t, CAST(NULL AS INT) n")) {
        check(rows.next(), "a row");
        check(rows.getInt(1) == 1 && rows.getDouble(2) == 2.5 && rows.getString(3).equals("x") && rows.getBoolean(4), "plain types");
        check(rows.getBigDecimal(5).equals(new BigDecimal("1.50")), rows.getBigDecimal(5));
        check(rows.getDate(6).toString().equals("2024-01-02"), rows.getDate(6));
        check(rows.getObject(8) == null && rows.wasNull(), "null");
        check(rows.getMetaData().getColumnTypeName(5).startsWith("DECIMAL"), rows.getMetaData().getColumnTypeName(5));
      }
      try (PreparedStatement prepared = connection.prepareStatement("SELECT ? + 1, ?")) {
        prepared.setInt(1, 41);
        prepared.setString(2, "it's");
        ResultSet rows = prepared.executeQuery();
        check(rows.next() && rows.getInt(1) == 42 && rows.getString(2).equals("it's"), "parameters");
      }
      try (Statement statement = connection.createStatement();
          ResultSet rows = statement.executeQuery("SELECT id, CAST(id AS STRING) t FROM range(400000)")) {
        long count = 0, sum = 0;
        while (rows.next()) {
          count++;
          sum += rows.getLong(1);
        }
        check(count == 400000 && sum == 400000L * 399999 / 2, count + " " + sum);
      }
      try (Statement statement = connection.createStatement()) {
        statement.execute("CREATE OR REPLACE TABLE jdbc_things (id BIGINT NOT NULL, name STRING)");
        check(statement.executeUpdate("INSERT INTO jdbc_things VALUES (1, 'a'), (2, 'b')") == 2, "inserted");
        check(statement.executeUpdate("UPDATE jdbc_things SET name = 'c' WHERE id = 1") == 1, "updated");
        statement.execute("DROP TABLE jdbc_things");
        try {
          statement.executeQuery("SELECT * FROM nowhere");
          throw new AssertionError("a table that is not there was read");
        } catch (SQLException error) {
          check(error.getMessage().contains("TABLE_OR_VIEW_NOT_FOUND"), error);
        }
      }
      Catalog.check(connection);
      try (Statement statement = connection.createStatement()) {
        statement.setQueryTimeout(2);
        statement.executeQuery("SELECT sum(sin(id)) FROM range(1000000000000)");
        throw new AssertionError("a statement without end gave rows");
      } catch (SQLException error) {
        // It ran longer than it may.
      }
    }
    System.out.println("ok " + arguments[0]);
  }
}
