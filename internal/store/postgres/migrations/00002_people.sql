-- Who belongs to which app, API keys, and the audit log.

-- +goose Up
CREATE TABLE members (
    app_id     TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, user_id)
);
CREATE INDEX members_user ON members (user_id);

-- app_id is NULL when the key works with all apps of its owner; expires_at and
-- last_used_at are 0 for never.
CREATE TABLE api_keys (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token_hash   BYTEA NOT NULL CHECK (length(token_hash) = 32),
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    scopes       TEXT COLLATE "C" NOT NULL,
    app_id       TEXT COLLATE "C" REFERENCES apps (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (user_id, name);
CREATE INDEX api_keys_app ON api_keys (app_id);

-- Rows are added, never changed, and removed by age alone. They name users and
-- apps as they were called, and stay when those go.
CREATE TABLE audit (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    username   TEXT COLLATE "C" NOT NULL,
    key_id     TEXT COLLATE "C" NOT NULL,
    address    TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    object     TEXT COLLATE "C" NOT NULL,
    app        TEXT COLLATE "C" NOT NULL,
    status     BIGINT NOT NULL,
    detail     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_username ON audit (username, id);
CREATE INDEX audit_app ON audit (app, id);
CREATE INDEX audit_action ON audit (action, id);
