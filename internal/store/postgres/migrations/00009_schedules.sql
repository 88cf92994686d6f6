-- How far the apps' schedules have come.

-- +goose Up
-- definition is what the deployment says, as JSON; active is 1 while the active
-- deployment has the schedule. Times are those of the timing, without delays;
-- 0 in last_at and skipped_at: there was none.
CREATE TABLE schedules (
    app_id     TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    active     BIGINT NOT NULL,
    definition BYTEA  NOT NULL,
    anchor     BIGINT NOT NULL,
    cursor_at  BIGINT NOT NULL,
    high       BIGINT NOT NULL,
    paused     BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    skipped_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, name)
);
