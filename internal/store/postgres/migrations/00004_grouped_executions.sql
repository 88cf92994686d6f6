-- A row holds executions of one script that ended alike and began within one
-- second: each row and each index entry costs. What was recorded until now goes;
-- recording is allowed to lose.

-- +goose Up
DROP TABLE executions;
-- id is the highest and first_id the lowest UUIDv7 of the row's count executions,
-- so that ranges of it are ranges of time; the program makes a partition for each
-- day and drops it whole. app_id and script_id are UUIDs; detail and logs are in
-- the format of package sqlstore.
CREATE TABLE executions (
    id        BYTEA  NOT NULL PRIMARY KEY,
    first_id  BYTEA  NOT NULL,
    count     BIGINT NOT NULL,
    app_id    BYTEA  NOT NULL,
    script_id BYTEA  NOT NULL,
    status    TEXT COLLATE "C" NOT NULL,
    detail    BYTEA  NOT NULL,
    logs      BYTEA  NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX executions_app ON executions (app_id, id);
CREATE INDEX executions_script ON executions (script_id, id);
CREATE INDEX executions_failed ON executions (app_id, id) WHERE status <> 'ok';
