package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// connect opens a connection beside the store's.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// databaseSize is what the executions take on disk.
func databaseSize(t *testing.T, url string) (size int64) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), `SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint
		FROM pg_partition_tree('executions')`).Scan(&size); err != nil {
		t.Fatal(err)
	}
	return size
}
