-- Durable work.

-- +goose Up
-- Where messages wait. id is a random number.
CREATE TABLE channels (
    id     BIGINT PRIMARY KEY,
    app_id TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    kind   TEXT COLLATE "C" NOT NULL,
    name   TEXT COLLATE "C" NOT NULL,
    paused BIGINT  NOT NULL,
    UNIQUE (app_id, kind, name)
);

-- due_at is when a message may be delivered, or when its lease ends. dead_at is
-- 0 unless it is a dead letter.
CREATE TABLE messages (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    channel    BIGINT  NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    source     TEXT COLLATE "C" NOT NULL,
    depth      BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    due_at     BIGINT  NOT NULL,
    attempts   BIGINT  NOT NULL,
    crashes    BIGINT  NOT NULL,
    single     BIGINT  NOT NULL,
    lease      TEXT COLLATE "C" NOT NULL,
    owner      TEXT COLLATE "C" NOT NULL,
    boot       TEXT COLLATE "C" NOT NULL,
    dead_at    BIGINT  NOT NULL,
    last_error TEXT COLLATE "C" NOT NULL,
    payload    BYTEA   NOT NULL
);
CREATE INDEX messages_due ON messages (channel, dead_at, due_at);
CREATE INDEX messages_owner ON messages (owner) WHERE owner <> '';

CREATE TABLE idempotency_keys (
    channel    BIGINT  NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    key        TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (channel, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
