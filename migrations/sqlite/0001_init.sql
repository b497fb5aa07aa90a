-- Times are milliseconds since 1970-01-01T00:00:00Z (*_ms).

CREATE TABLE tasks (
    num         INTEGER PRIMARY KEY,            -- order of creation
    id          TEXT NOT NULL UNIQUE,
    version     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,               -- its newest event, whose snapshot equals this row
    title       TEXT NOT NULL,
    description TEXT,
    type        TEXT,
    category    TEXT,
    status      TEXT NOT NULL CHECK (status IN ('OPEN', 'IN_PROGRESS', 'DONE', 'CANCELLED')),
    priority    INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    due_ms      INTEGER,
    tags        TEXT NOT NULL,                  -- a line each, a line break before and after
    attachments TEXT NOT NULL,                  -- JSON
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX tasks_updated ON tasks (updated_ms, num);

-- The version at which a deleted id goes on when it is made again.
CREATE TABLE tombstones (
    task_id     TEXT PRIMARY KEY,
    version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of commit; never given twice
    id          TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    origin      TEXT NOT NULL,
    task_id     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    task        TEXT NOT NULL                   -- JSON, byte for byte as it is sent
) STRICT;
CREATE INDEX events_by_task ON events (task_id, seq);

CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY,
    active        INTEGER NOT NULL CHECK (active IN (0, 1)),
    url           TEXT NOT NULL,
    headers       TEXT NOT NULL,                -- JSON, [[name, value], …]
    ignore_origin TEXT NOT NULL,                -- comma-separated
    max_attempts  INTEGER NOT NULL,
    wait_until_ms INTEGER NOT NULL              -- the receiver asked for quiet until then; 0 = no
) STRICT, WITHOUT ROWID;

-- A lane is (webhook_id, task_id). At most one unfinished delivery of a lane has its turn:
-- it is `sending`, or `pending` with a due_ms.
CREATE TABLE deliveries (
    seq         INTEGER NOT NULL REFERENCES events (seq),
    webhook_id  TEXT NOT NULL,
    task_id     TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('pending', 'sending', 'delivered', 'failed')),
    due_ms      INTEGER,                        -- NULL: not its turn, under way, or finished
    attempts    INTEGER NOT NULL,               -- requests made, for ever
    tries       INTEGER NOT NULL,               -- of those, how many count towards the limit now
    started_ms  INTEGER,                        -- of the request under way; NULL if there is none
    finished_ms INTEGER,                        -- NULL: not finished
    reason      TEXT,                           -- of a failure, else NULL: a code,
    reason_text TEXT,                           -- and a sentence
    PRIMARY KEY (seq, webhook_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (webhook_id, due_ms, seq) WHERE due_ms IS NOT NULL;
CREATE INDEX deliveries_lane ON deliveries (webhook_id, task_id, seq) WHERE finished_ms IS NULL;
CREATE INDEX deliveries_sending ON deliveries (seq, webhook_id) WHERE started_ms IS NOT NULL;
CREATE INDEX deliveries_failed ON deliveries (seq, webhook_id) WHERE reason IS NOT NULL;

CREATE TABLE attempts (
    seq         INTEGER NOT NULL,
    webhook_id  TEXT NOT NULL,
    number      INTEGER NOT NULL,
    started_ms  INTEGER NOT NULL,
    ms          INTEGER,
    status      INTEGER,
    error       TEXT,
    excerpt     TEXT,
    outcome     TEXT NOT NULL CHECK (outcome IN ('delivered', 'retry', 'failed', 'unknown')),
    PRIMARY KEY (seq, webhook_id, number)
) STRICT, WITHOUT ROWID;

-- Written to see whether the disk takes a write.
CREATE TABLE probe (n INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (0);

-- A repeat of a write under the same key gets the first answer again, from the event's snapshot.
CREATE TABLE idempotency (
    key         TEXT PRIMARY KEY,
    hash        TEXT NOT NULL,                  -- SHA-256 of method, path and body
    status      INTEGER NOT NULL,               -- of the first answer
    seq         INTEGER,                        -- the event whose snapshot it showed
    at_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (at_ms);
