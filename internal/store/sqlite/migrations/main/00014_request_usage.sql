-- How much of what apps have in their channels is asynchronous requests.

-- +goose Up
ALTER TABLE message_usage ADD COLUMN requests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message_usage ADD COLUMN request_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE message_usage SET
    requests = (SELECT count(*) FROM messages m JOIN channels c ON c.id = m.channel
        WHERE c.app_id = message_usage.app_id AND m.dead_at = 0 AND m.token_hash <> ''),
    request_bytes = (SELECT coalesce(sum(length(m.payload)), 0) FROM messages m JOIN channels c ON c.id = m.channel
        WHERE c.app_id = message_usage.app_id AND m.dead_at = 0 AND m.token_hash <> '')
WHERE shard = (SELECT min(u.shard) FROM message_usage u WHERE u.app_id = message_usage.app_id);
