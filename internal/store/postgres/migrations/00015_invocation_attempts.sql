-- How many attempts at an asynchronous request failed.

-- +goose Up
ALTER TABLE invocations ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
