-- How much apps have in their channels.

-- +goose Up
-- What an app has is the sum of its shards. messages are those that wait or are
-- worked on; dropped are the dead letters that went because there were too many.
CREATE TABLE message_usage (
    app_id       TEXT    NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    shard        INTEGER NOT NULL,
    messages     INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    dead         INTEGER NOT NULL,
    dead_bytes   INTEGER NOT NULL,
    dropped      INTEGER NOT NULL,
    answers      INTEGER NOT NULL,
    answer_bytes INTEGER NOT NULL,
    PRIMARY KEY (app_id, shard)
) STRICT, WITHOUT ROWID;
INSERT INTO message_usage (app_id, shard, messages, bytes, dead, dead_bytes, dropped, answers, answer_bytes)
SELECT id, 0,
    (SELECT count(*) FROM messages m JOIN channels c ON c.id = m.channel WHERE c.app_id = apps.id AND m.dead_at = 0),
    (SELECT coalesce(sum(length(m.payload)), 0) FROM messages m JOIN channels c ON c.id = m.channel WHERE c.app_id = apps.id AND m.dead_at = 0),
    (SELECT count(*) FROM messages m JOIN channels c ON c.id = m.channel WHERE c.app_id = apps.id AND m.dead_at > 0),
    (SELECT coalesce(sum(length(m.payload)), 0) FROM messages m JOIN channels c ON c.id = m.channel WHERE c.app_id = apps.id AND m.dead_at > 0),
    0,
    (SELECT count(*) FROM invocations i WHERE i.app_id = apps.id),
    (SELECT coalesce(sum(length(i.response)), 0) FROM invocations i WHERE i.app_id = apps.id)
FROM apps;

DROP INDEX invocations_app;
CREATE INDEX invocations_app ON invocations (app_id, finished_at);
