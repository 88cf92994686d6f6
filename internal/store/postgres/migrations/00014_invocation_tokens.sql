-- By what the senders of asynchronous requests ask for them.

-- +goose Up
-- A SHA-256 in hexadecimal; empty for a message that is no request.
ALTER TABLE messages ADD COLUMN token_hash TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE invocations ADD COLUMN token_hash TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX messages_token ON messages (token_hash) WHERE token_hash <> '';
CREATE INDEX invocations_token ON invocations (token_hash) WHERE token_hash <> '';
