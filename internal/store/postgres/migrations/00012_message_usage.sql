-- How much apps have in their channels.

-- +goose Up
-- What an app has is the sum of its shards. messages are those that wait or are
-- worked on; dropped are the dead letters that went because there were too many.
CREATE TABLE message_usage (
    app_id       TEXT COLLATE "C" NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    shard        BIGINT NOT NULL,
    messages     BIGINT NOT NULL,
    bytes        BIGINT NOT NULL,
    dead         BIGINT NOT NULL,
    dead_bytes   BIGINT NOT NULL,
    dropped      BIGINT NOT NULL,
    answers      BIGINT NOT NULL,
    answer_bytes BIGINT NOT NULL,
    PRIMARY KEY (app_id, shard)
);
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
