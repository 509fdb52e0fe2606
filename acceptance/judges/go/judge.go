// What databricks-sql-go does: connect, types, parameters, large results by link and in answers, errors, cancel.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	dbsql "github.com/databricks/databricks-sql-go"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func open(cloudFetch bool) *sql.DB {
	connector, err := dbsql.NewConnector(
		dbsql.WithServerHostname(os.Getenv("DATABRICKS_SERVER_HOSTNAME")),
		dbsql.WithPort(443),
		dbsql.WithHTTPPath(os.Getenv("DATABRICKS_HTTP_PATH")),
		dbsql.WithAccessToken(os.Getenv("DATABRICKS_TOKEN")),
		dbsql.WithCloudFetch(cloudFetch),
	)
	must(err)
	return sql.OpenDB(connector)
}

func main() {
	for _, cloudFetch := range []bool{true, false} {
		db := open(cloudFetch)
		var i int
		var d float64
		var s, c string
		var b bool
		var n sql.NullString
		row := db.QueryRow("SELECT 1, 2.5D, 'x', true, CAST(1.50 AS DECIMAL(10,2)), CAST(NULL AS STRING)")
		must(row.Scan(&i, &d, &s, &b, &c, &n))
		if i != 1 || d != 2.5 || s != "x" || !b || c != "1.50" || n.Valid {
			log.Fatal(i, d, s, b, c, n)
		}
		must(db.QueryRow("SELECT :a + 1, :b", sql.Named("a", 41), sql.Named("b", "it's")).Scan(&i, &s))
		if i != 42 || s != "it's" {
			log.Fatal(i, s)
		}
		rows, err := db.Query("SELECT id, CAST(id AS STRING) FROM range(400000)")
		must(err)
		var count, sum, id int64
		for rows.Next() {
			must(rows.Scan(&id, &s))
			count, sum = count+1, sum+id
		}
		must(rows.Err())
		if count != 400000 || sum != 400000*399999/2 {
			log.Fatal(count, sum)
		}
		_, err = db.Exec("CREATE OR REPLACE TABLE go_things (id BIGINT, at TIMESTAMP)")
		must(err)
		result, err := db.Exec("INSERT INTO go_things VALUES (1, TIMESTAMP'2024-01-02 03:04:05'), (2, NULL)")
		must(err)
		if changed, err := result.RowsAffected(); err != nil || changed != 2 {
			log.Fatal("rows affected: ", changed, err)
		}
		var at time.Time
		must(db.QueryRow("SELECT at FROM go_things WHERE id = 1").Scan(&at))
		if at.UTC().Format(time.DateTime) != "2024-01-02 03:04:05" {
			log.Fatal(at)
		}
		_, err = db.Exec("DROP TABLE go_things")
		must(err)
		if err := db.QueryRow("SELECT * FROM nowhere").Scan(&i); err == nil || !strings.Contains(err.Error(), "TABLE_OR_VIEW_NOT_FOUND") {
			log.Fatal("an error was expected: ", err)
		}
		limited, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		if _, err := db.QueryContext(limited, "SELECT sum(sin(id)) FROM range(1000000000000)"); err == nil {
			log.Fatal("a statement that was cancelled gave rows")
		}
		cancel()
		must(db.Close())
	}
	fmt.Println("ok")
}
