-- The control plane: people, apps, scripts, deployments; and executions.
-- Times are microseconds since 1970, UTC, from the program's clock. Text that is
-- compared is COLLATE "C", so that order is bytewise as everywhere else.

-- +goose Up
CREATE TABLE locks (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    taken BIGINT NOT NULL
);

CREATE TABLE users (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    username      TEXT COLLATE "C" NOT NULL UNIQUE,
    role          TEXT COLLATE "C" NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    password_hash TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE TABLE sessions (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token_hash   BYTEA NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client       TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- active_deployment and last_deployment name rows of deployments.
CREATE TABLE apps (
    id                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    slug              TEXT COLLATE "C" NOT NULL UNIQUE,
    active_deployment BIGINT NOT NULL,
    last_deployment   BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);

-- text is bytes, so that it is kept as it came and its hash stays true.
CREATE TABLE sources (
    hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    text BYTEA NOT NULL
);

-- A deleted script (deleted_at > 0) stays for the deployments that name it.
CREATE TABLE scripts (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    app_id         TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name           TEXT COLLATE "C" NOT NULL,
    latest_version BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deleted_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX scripts_name ON scripts (app_id, name) WHERE deleted_at = 0;
CREATE INDEX scripts_app ON scripts (app_id);

CREATE TABLE versions (
    script_id   TEXT COLLATE "C" NOT NULL REFERENCES scripts (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    source_hash TEXT COLLATE "C" NOT NULL REFERENCES sources (hash),
    created_at  BIGINT NOT NULL,
    created_by  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (script_id, number)
);
CREATE INDEX versions_source ON versions (source_hash);

-- manifest is JSON.
CREATE TABLE deployments (
    app_id     TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    number     BIGINT NOT NULL,
    parent     BIGINT NOT NULL,
    manifest   BYTEA NOT NULL,
    note       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (app_id, number)
);

-- id is a UUIDv7, so that ranges of it are ranges of time; the program makes a
-- partition for each day and drops it whole. app_id and script_id are UUIDs;
-- detail and logs are in the format of package sqlstore.
CREATE TABLE executions (
    id        BYTEA NOT NULL PRIMARY KEY,
    app_id    BYTEA NOT NULL,
    script_id BYTEA NOT NULL,
    status    TEXT COLLATE "C" NOT NULL,
    detail    BYTEA NOT NULL,
    logs      BYTEA NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX executions_app ON executions (app_id, id);
CREATE INDEX executions_script ON executions (script_id, id);
CREATE INDEX executions_failed ON executions (app_id, id) WHERE status <> 'ok';
