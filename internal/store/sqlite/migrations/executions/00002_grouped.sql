-- A row holds executions of one script that ended alike and began within one
-- second: each row and each index entry costs. What was recorded until now goes;
-- recording is allowed to lose.

-- +goose Up
DROP TABLE executions;
-- id is the highest and first_id the lowest UUIDv7 of the row's count executions.
CREATE TABLE executions (
    id        BLOB NOT NULL PRIMARY KEY,
    first_id  BLOB NOT NULL,
    count     INTEGER NOT NULL,
    app_id    BLOB NOT NULL,
    script_id BLOB NOT NULL,
    status    TEXT NOT NULL,
    detail    BLOB NOT NULL,
    logs      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX executions_app ON executions (app_id, id);
CREATE INDEX executions_script ON executions (script_id, id);
CREATE INDEX executions_failed ON executions (app_id, id) WHERE status <> 'ok';
