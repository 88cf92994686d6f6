-- The apps' own data.

-- +goose Up
CREATE SEQUENCE kv_versions;

-- value is the tagged form of a Rhai value; expires_at is 0 for never.
CREATE TABLE kv (
    app_id     TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    key        TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    value      BYTEA  NOT NULL,
    PRIMARY KEY (app_id, key)
);
CREATE INDEX kv_expiry ON kv (expires_at) WHERE expires_at > 0;

-- What an app uses is the sum of its shards.
CREATE TABLE kv_usage (
    app_id TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    shard  BIGINT NOT NULL,
    keys   BIGINT NOT NULL,
    bytes  BIGINT NOT NULL,
    PRIMARY KEY (app_id, shard)
);

-- The commits of runs, by which a commit that is asked for again is known.
-- run_id is a UUIDv7: its order is that of time.
CREATE TABLE commits (
    run_id  TEXT COLLATE "C" NOT NULL,
    seq     BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (run_id, seq)
);
