-- The apps' secrets.

-- +goose Up
-- data_key is sealed under the key named by key_id, which is not in the database;
-- value is sealed under the data key.
CREATE TABLE secrets (
    app_id     TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    key_id     TEXT COLLATE "C" NOT NULL,
    data_key   BYTEA  NOT NULL,
    value      BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (app_id, name)
);
CREATE INDEX secrets_key_id ON secrets (key_id);

-- Under which key new secrets are: no row until there was one.
CREATE TABLE secrets_key (
    singleton BIGINT NOT NULL PRIMARY KEY CHECK (singleton = 1),
    key_id    TEXT COLLATE "C" NOT NULL
);
