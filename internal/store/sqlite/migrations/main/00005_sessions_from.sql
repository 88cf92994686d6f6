-- Where sessions were begun, so that their owner can tell them apart.

-- +goose Up
ALTER TABLE sessions ADD COLUMN address    TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
