-- The control plane: people, apps, scripts, deployments.
-- Times are microseconds since 1970, UTC, from the program's clock.

-- +goose Up
CREATE TABLE locks (
    name  TEXT    NOT NULL PRIMARY KEY,
    taken INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY,
    username      TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    password_hash TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id           TEXT    NOT NULL PRIMARY KEY,
    token_hash   BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    user_id      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- active_deployment and last_deployment name rows of deployments.
CREATE TABLE apps (
    id                TEXT    NOT NULL PRIMARY KEY,
    slug              TEXT    NOT NULL UNIQUE,
    active_deployment INTEGER NOT NULL,
    last_deployment   INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;

-- text is bytes, so that it is kept as it came and its hash stays true.
CREATE TABLE sources (
    hash TEXT NOT NULL PRIMARY KEY,
    text BLOB NOT NULL
) STRICT;

-- A deleted script (deleted_at > 0) stays for the deployments that name it.
CREATE TABLE scripts (
    id             TEXT    NOT NULL PRIMARY KEY,
    app_id         TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name           TEXT    NOT NULL,
    latest_version INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deleted_at     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX scripts_name ON scripts (app_id, name) WHERE deleted_at = 0;
CREATE INDEX scripts_app ON scripts (app_id);

CREATE TABLE versions (
    script_id   TEXT    NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    source_hash TEXT    NOT NULL REFERENCES sources (hash),
    created_at  INTEGER NOT NULL,
    created_by  TEXT    NOT NULL,
    PRIMARY KEY (script_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX versions_source ON versions (source_hash);

-- manifest is JSON.
CREATE TABLE deployments (
    app_id     TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    parent     INTEGER NOT NULL,
    manifest   BLOB    NOT NULL,
    note       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    PRIMARY KEY (app_id, number)
) STRICT;
