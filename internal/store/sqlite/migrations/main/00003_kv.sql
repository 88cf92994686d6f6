-- The apps' own data.

-- +goose Up
-- value is the tagged form of a Rhai value; expires_at is 0 for never.
CREATE TABLE kv (
    app_id     TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    value      BLOB    NOT NULL,
    PRIMARY KEY (app_id, key)
) STRICT;
CREATE INDEX kv_expiry ON kv (expires_at) WHERE expires_at > 0;

-- What an app uses is the sum of its shards.
CREATE TABLE kv_usage (
    app_id TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    shard  INTEGER NOT NULL,
    keys   INTEGER NOT NULL,
    bytes  INTEGER NOT NULL,
    PRIMARY KEY (app_id, shard)
) STRICT, WITHOUT ROWID;

-- The commits of runs, by which a commit that is asked for again is known.
-- run_id is a UUIDv7: its order is that of time.
CREATE TABLE commits (
    run_id  TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;
