// pgx as an app's principal: TLS by both levels, a pool that gets a token for every connection, COPY, cancelling, a wrong token.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func expect(condition bool, what string) {
	if !condition {
		must(errors.New(what))
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	token := os.Getenv("PGPASSWORD")
	config, err := pgxpool.ParseConfig("sslmode=require pool_max_conns=4")
	must(err)
	asked := 0
	var lock sync.Mutex
	config.BeforeConnect = func(_ context.Context, connection *pgx.ConnConfig) error {
		lock.Lock()
		defer lock.Unlock()
		asked++
		connection.Password = token
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	must(err)
	_, err = pool.Exec(ctx, "DROP SCHEMA IF EXISTS pgx CASCADE; CREATE SCHEMA pgx; CREATE TABLE pgx.item (id int, name text)")
	must(err)
	rows := make([][]any, 1000)
	for id := range rows {
		rows[id] = []any{id, fmt.Sprint("item ", id)}
	}
	copied, err := pool.CopyFrom(ctx, pgx.Identifier{"pgx", "item"}, []string{"id", "name"}, pgx.CopyFromRows(rows))
	must(err)
	expect(copied == 1000, "all rows are copied")
	var group sync.WaitGroup
	for worker := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for id := range 50 {
				var name string
				must(pool.QueryRow(ctx, "SELECT name FROM pgx.item WHERE id = $1", worker*100+id).Scan(&name))
				expect(name == fmt.Sprint("item ", worker*100+id), name)
			}
		}()
	}
	group.Wait()
	expect(asked > 0, "a token is asked for")
	connection, err := pgx.Connect(ctx, "sslmode=require")
	must(err)
	// A cancel that comes before the query is lost: so once more, until one has met it.
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			must(connection.PgConn().CancelRequest(ctx))
			select {
			case <-ended:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	_, err = connection.Exec(ctx, "SELECT pg_sleep(600)")
	close(ended)
	<-stopped
	var refused *pgconn.PgError
	expect(errors.As(err, &refused) && refused.Code == "57014", "a query is cancelled")
	must(connection.Close(ctx))
	verified, err := pgx.Connect(ctx, "sslmode=verify-full sslrootcert="+os.Getenv("SSL_CERT_FILE"))
	must(err)
	must(verified.Close(ctx))
	_, err = pgx.Connect(ctx, "sslmode=require password=sesame")
	expect(errors.As(err, &refused) && refused.Code == "28P01", "a wrong password is refused")
	pool.Close()
	fmt.Println("pgx ok")
}
