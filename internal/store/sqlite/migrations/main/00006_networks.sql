-- The networks that are open to an app's HTTP calls, with blanks between them.

-- +goose Up
ALTER TABLE apps ADD COLUMN networks TEXT NOT NULL DEFAULT '';
