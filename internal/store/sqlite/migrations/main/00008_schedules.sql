-- How far the apps' schedules have come.

-- +goose Up
-- definition is what the deployment says, as JSON; active is 1 while the active
-- deployment has the schedule. Times are those of the timing, without delays;
-- 0 in last_at and skipped_at: there was none.
CREATE TABLE schedules (
    app_id     TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    active     INTEGER NOT NULL,
    definition BLOB    NOT NULL,
    anchor     INTEGER NOT NULL,
    cursor_at  INTEGER NOT NULL,
    high       INTEGER NOT NULL,
    paused     INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    skipped_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, name)
) STRICT;
