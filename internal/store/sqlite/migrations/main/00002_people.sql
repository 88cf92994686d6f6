-- Who belongs to which app, API keys, and the audit log.

-- +goose Up
CREATE TABLE members (
    app_id     TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id);

-- app_id is NULL when the key works with all apps of its owner; expires_at and
-- last_used_at are 0 for never.
CREATE TABLE api_keys (
    id           TEXT    NOT NULL PRIMARY KEY,
    token_hash   BLOB    NOT NULL CHECK (length(token_hash) = 32),
    user_id      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    app_id       TEXT             REFERENCES apps (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX api_keys_name ON api_keys (user_id, name);
CREATE INDEX api_keys_app ON api_keys (app_id);

-- Rows are added, never changed, and removed by age alone. They name users and
-- apps as they were called, and stay when those go.
CREATE TABLE audit (
    id         TEXT    NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    user_id    TEXT    NOT NULL,
    username   TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    app        TEXT    NOT NULL,
    status     INTEGER NOT NULL,
    detail     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_username ON audit (username, id);
CREATE INDEX audit_app ON audit (app, id);
CREATE INDEX audit_action ON audit (action, id);
