-- The apps' secrets.

-- +goose Up
-- data_key is sealed under the key named by key_id, which is not in the database;
-- value is sealed under the data key.
CREATE TABLE secrets (
    app_id     TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    data_key   BLOB    NOT NULL,
    value      BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    PRIMARY KEY (app_id, name)
) STRICT;
CREATE INDEX secrets_key_id ON secrets (key_id);

-- Under which key new secrets are: no row until there was one.
CREATE TABLE secrets_key (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    key_id    TEXT    NOT NULL
) STRICT;
