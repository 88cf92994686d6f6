package sqlite

import "github.com/picloud/picloud/internal/store/sqlstore"

// There is one writer, so nothing has to be locked and one row counts what an
// app uses. The sequence of versions is a row of the table locks.
var dialect = sqlstore.Dialect{
	NextVersion: `INSERT INTO locks (name, taken) VALUES ('kv versions', 1)
		ON CONFLICT (name) DO UPDATE SET taken = locks.taken + 1 RETURNING taken`,
	Lock:   `SELECT version, expires_at, length(value) FROM kv WHERE app_id = $1 AND key = $2`,
	Shards: 1,
}
