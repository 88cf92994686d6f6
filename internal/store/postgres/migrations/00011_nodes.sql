-- The processes of a cluster that live, so that they find one another.

-- +goose Up
-- Heartbeats need not be durable: after a crash of the server the nodes come back
-- with their next one. What is UNLOGGED is no part of backups either.
-- ends_at is by the server's clock, in microseconds.
CREATE UNLOGGED TABLE nodes (
    kind    TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    boot    TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);
