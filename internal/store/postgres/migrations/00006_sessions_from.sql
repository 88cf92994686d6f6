-- Where sessions were begun, so that their owner can tell them apart.

-- +goose Up
ALTER TABLE sessions ADD COLUMN address    TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN user_agent TEXT COLLATE "C" NOT NULL DEFAULT '';
