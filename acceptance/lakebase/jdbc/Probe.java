import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;

/** pgJDBC as an app's principal: TLS by both levels, prepared statements, batches, cancelling, a wrong token. */
public class Probe {
    static String env(String name) {
        return System.getenv(name);
    }

    static Connection connect(String password, String... options) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", env("PGUSER"));
        properties.setProperty("password", password);
        properties.setProperty("sslmode", "require");
        for (int i = 0; i < options.length; i += 2) {
            properties.setProperty(options[i], options[i + 1]);
        }
        String url = "jdbc:postgresql://" + env("PGHOST") + ":" + env("PGPORT") + "/" + env("PGDATABASE");
        return DriverManager.getConnection(url, properties);
    }

    static void expect(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    public static void main(String[] arguments) throws Exception {
        String token = env("PGPASSWORD");
        try (Connection connection = connect(token); Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS jdbc CASCADE");
            statement.execute("CREATE SCHEMA jdbc");
            statement.execute("CREATE TABLE jdbc.item (id int PRIMARY KEY, name text)");
            connection.setAutoCommit(false);
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO jdbc.item VALUES (?, ?)")) {
                for (int id = 0; id < 1000; id++) {
                    insert.setInt(1, id);
                    insert.setString(2, "item " + id);
                    insert.addBatch();
                }
                expect(insert.executeBatch().length == 1000, "a batch");
            }
            connection.commit();
            statement.setFetchSize(100);
            int rows = 0;
            try (ResultSet found = statement.executeQuery("SELECT id, name FROM jdbc.item ORDER BY id")) {
                while (found.next()) {
                    expect(found.getString(2).equals("item " + rows++), "a row");
                }
            }
            expect(rows == 1000, "all rows");
            connection.commit();
            // A cancel that comes before the query is lost: so once more, until one has met it.
            AtomicBoolean ended = new AtomicBoolean();
            Thread cancel = new Thread(() -> {
                try {
                    while (!ended.get()) {
                        statement.cancel();
                        Thread.sleep(50);
                    }
                } catch (Exception error) {
                    throw new RuntimeException(error);
                }
            });
            cancel.start();
            try {
                statement.execute("SELECT pg_sleep(600)");
                throw new AssertionError("not cancelled");
            } catch (SQLException error) {
                expect(error.getSQLState().equals("57014"), error.getMessage());
            } finally {
                ended.set(true);
            }
            cancel.join();
            connection.rollback();
        }
        connect(token, "sslmode", "verify-full", "sslrootcert", env("SSL_CERT_FILE")).close();
        try {
            connect("sesame").close();
            throw new AssertionError("let in with a wrong password");
        } catch (SQLException error) {
            expect(error.getSQLState().equals("28P01"), error.getMessage());
        }
        System.out.println("jdbc ok");
    }
}
