-- Durable work.

-- +goose Up
-- Where messages wait. id is a random number.
CREATE TABLE channels (
    id     INTEGER PRIMARY KEY,
    app_id TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    kind   TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    paused INTEGER NOT NULL,
    UNIQUE (app_id, kind, name)
) STRICT;

-- due_at is when a message may be delivered, or when its lease ends. dead_at is
-- 0 unless it is a dead letter.
CREATE TABLE messages (
    id         TEXT    NOT NULL PRIMARY KEY,
    channel    INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    source     TEXT    NOT NULL,
    depth      INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    crashes    INTEGER NOT NULL,
    single     INTEGER NOT NULL,
    lease      TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    boot       TEXT    NOT NULL,
    dead_at    INTEGER NOT NULL,
    last_error TEXT    NOT NULL,
    payload    BLOB    NOT NULL
) STRICT;
CREATE INDEX messages_due ON messages (channel, dead_at, due_at);
CREATE INDEX messages_owner ON messages (owner) WHERE owner <> '';

CREATE TABLE idempotency_keys (
    channel    INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
