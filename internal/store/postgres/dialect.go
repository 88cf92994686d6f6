package postgres

import "github.com/picloud/picloud/internal/store/sqlstore"

// Writers run beside each other. A key that is absent is locked by a row that
// stands for it (version 0, expired), which a second writer waits for as for any
// other; so what was read as absent is still absent at the commit. What an app
// uses is counted in several rows, so that its commits do not queue for one.
var dialect = sqlstore.Dialect{
	NextVersion: `SELECT nextval('kv_versions')`,
	Lock: `INSERT INTO kv (app_id, key, version, expires_at, value) VALUES ($1, $2, 0, 1, '')
		ON CONFLICT (app_id, key) DO UPDATE SET version = kv.version RETURNING version, expires_at, length(value)`,
	Placeholders: true,
	Shards:       16,
	ForUpdate:    ` FOR UPDATE`,
	SkipLocked:   ` FOR UPDATE SKIP LOCKED`,
}
