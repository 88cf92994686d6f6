-- How many idempotency keys apps have.

-- +goose Up
-- renewed is 1 for a key that was taken again when it had expired: it is counted once.
ALTER TABLE idempotency_keys ADD COLUMN renewed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message_usage ADD COLUMN idempotency_keys BIGINT NOT NULL DEFAULT 0;
UPDATE message_usage SET
    idempotency_keys = (SELECT count(*) FROM idempotency_keys k JOIN channels c ON c.id = k.channel WHERE c.app_id = message_usage.app_id)
WHERE shard = (SELECT min(u.shard) FROM message_usage u WHERE u.app_id = message_usage.app_id);
