-- What asynchronous requests were answered.

-- +goose Up
-- id is that of the message that the request was.
CREATE TABLE invocations (
    id          TEXT    NOT NULL PRIMARY KEY,
    app_id      TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    script      TEXT    NOT NULL,
    finished_at INTEGER NOT NULL,
    response    BLOB    NOT NULL
) STRICT;
CREATE INDEX invocations_app ON invocations (app_id);
CREATE INDEX invocations_age ON invocations (finished_at);
