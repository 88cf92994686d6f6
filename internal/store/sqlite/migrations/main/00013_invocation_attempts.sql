-- How many attempts at an asynchronous request failed.

-- +goose Up
ALTER TABLE invocations ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
