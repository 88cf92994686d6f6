-- What asynchronous requests were answered.

-- +goose Up
-- id is that of the message that the request was.
CREATE TABLE invocations (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    app_id      TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    script      TEXT COLLATE "C" NOT NULL,
    finished_at BIGINT  NOT NULL,
    response    BYTEA   NOT NULL
);
CREATE INDEX invocations_app ON invocations (app_id);
CREATE INDEX invocations_age ON invocations (finished_at);
