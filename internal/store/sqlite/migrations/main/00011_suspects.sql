-- Messages under suspicion of killing the process.

-- +goose Up
-- The number is store.SuspectCrashes.
CREATE INDEX messages_suspects ON messages (channel, dead_at, due_at) WHERE crashes >= 3;
