-- Executions, in a file of their own: recording may lose its last writes in a
-- power cut, and retention gives the file's space back.

-- +goose Up
-- id is a UUIDv7, so that rows lie in the order of their start; app_id and
-- script_id are UUIDs; detail and logs are in the format of package sqlstore.
CREATE TABLE executions (
    id        BLOB NOT NULL PRIMARY KEY,
    app_id    BLOB NOT NULL,
    script_id BLOB NOT NULL,
    status    TEXT NOT NULL,
    detail    BLOB NOT NULL,
    logs      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX executions_app ON executions (app_id, id);
CREATE INDEX executions_script ON executions (script_id, id);
CREATE INDEX executions_failed ON executions (app_id, id) WHERE status <> 'ok';
