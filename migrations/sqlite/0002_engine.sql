-- Many webhooks, their health, and deliveries that wait, are held or are cancelled.

CREATE TABLE webhooks_new (
    id              TEXT PRIMARY KEY,
    state           TEXT NOT NULL CHECK (state IN ('live', 'retired', 'deleted')),
    created_ms      INTEGER NOT NULL,
    url             TEXT NOT NULL,
    events          TEXT NOT NULL,              -- comma-separated
    source          TEXT,
    description     TEXT,
    headers         TEXT NOT NULL,              -- JSON, [[name, value], …]
    secret          TEXT,
    old_secret      TEXT,
    old_until_ms    INTEGER,                    -- until when the old secret signs too
    payload         TEXT NOT NULL,
    filter          TEXT NOT NULL,              -- JSON
    ignore_origin   TEXT NOT NULL,              -- comma-separated
    profile         TEXT NOT NULL,
    rate_per_second INTEGER,
    timeout_s       INTEGER NOT NULL,
    max_attempts    INTEGER NOT NULL,
    on_reject       TEXT NOT NULL,
    paused          INTEGER NOT NULL CHECK (paused IN (0, 1)),
    condition       TEXT NOT NULL CHECK (condition IN ('up', 'down', 'misconfigured', 'gone')),
    since_ms        INTEGER NOT NULL,           -- of the condition
    failures        INTEGER NOT NULL,           -- probes that failed since
    probe_ms        INTEGER,                    -- when the next probe goes out; NULL = none by itself
    refused         TEXT NOT NULL,              -- JSON, the events refused in a row
    why             TEXT NOT NULL,              -- in words; empty while it is up
    wait_until_ms   INTEGER NOT NULL,           -- the receiver asked for quiet until then; 0 = no
    told_ms         INTEGER NOT NULL,           -- when a failed delivery was last told of; 0 = never
    is_behind       INTEGER NOT NULL CHECK (is_behind IN (0, 1))  -- a long queue was told of
) STRICT, WITHOUT ROWID;
INSERT INTO webhooks_new
    SELECT id, CASE active WHEN 1 THEN 'live' ELSE 'retired' END, 0, url,
        'task_created,task_updated,task_status_changed,task_deleted', NULL, NULL, headers,
        NULL, NULL, NULL, 'classic', '{}', ignore_origin, 'auto', NULL, 10, max_attempts, 'skip',
        0, 'up', 0, 0, NULL, '[]', '', wait_until_ms, 0, 0
    FROM webhooks;
DROP TABLE webhooks;
ALTER TABLE webhooks_new RENAME TO webhooks;

-- A lane is (webhook_id, task_id). At most one unfinished delivery of a lane may go out: it is
-- `sending`, or it has a due_ms. One that is `held` for good (rejected) has none, and nothing
-- behind it in its lane has one either.
CREATE TABLE deliveries_new (
    seq         INTEGER NOT NULL REFERENCES events (seq),
    webhook_id  TEXT NOT NULL,
    task_id     TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN
                    ('pending', 'sending', 'delivered', 'held', 'failed', 'cancelled')),
    due_ms      INTEGER,                        -- NULL: not its turn, under way, or finished
    attempts    INTEGER NOT NULL,               -- requests made, for ever
    tries       INTEGER NOT NULL,               -- of those, how many are in the series at hand
    first_ms    INTEGER,                        -- when that series began; NULL before its first
    payload     TEXT,                           -- the body it gets; NULL before its first attempt
    started_ms  INTEGER,                        -- of the request under way; NULL if there is none
    finished_ms INTEGER,                        -- NULL: not finished
    reason      TEXT,                           -- of held, failed and cancelled, else NULL: a code,
    reason_text TEXT,                           -- and a sentence
    PRIMARY KEY (seq, webhook_id)
) STRICT, WITHOUT ROWID;
INSERT INTO deliveries_new
    SELECT seq, webhook_id, task_id, status, due_ms, attempts, tries, NULL,
        CASE WHEN attempts > 0 THEN 'classic' END, started_ms, finished_ms, reason, reason_text
    FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE deliveries_new RENAME TO deliveries;
CREATE INDEX deliveries_due ON deliveries (webhook_id, due_ms, seq) WHERE due_ms IS NOT NULL;
CREATE INDEX deliveries_lane ON deliveries (webhook_id, task_id, seq) WHERE finished_ms IS NULL;
CREATE INDEX deliveries_sending ON deliveries (seq, webhook_id) WHERE started_ms IS NOT NULL;
CREATE INDEX deliveries_reason ON deliveries (seq, webhook_id) WHERE reason IS NOT NULL;

CREATE TABLE attempts_new (
    seq         INTEGER NOT NULL,
    webhook_id  TEXT NOT NULL,
    number      INTEGER NOT NULL,
    started_ms  INTEGER NOT NULL,
    ms          INTEGER,
    status      INTEGER,
    error       TEXT,
    excerpt     TEXT,
    outcome     TEXT NOT NULL CHECK (outcome IN
                    ('delivered', 'retry', 'held', 'failed', 'unknown')),
    PRIMARY KEY (seq, webhook_id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO attempts_new SELECT * FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_new RENAME TO attempts;

-- What a change changed: the old values, as JSON; NULL for a creation.
ALTER TABLE events ADD COLUMN before TEXT;

-- An answer that is given again must not depend on an event that may be gone by then.
CREATE TABLE idempotency_new (
    key         TEXT PRIMARY KEY,
    hash        TEXT NOT NULL,                  -- SHA-256 of method, path and body
    status      INTEGER NOT NULL,               -- of the first answer
    task_id     TEXT,                           -- what it showed, if it showed a task:
    version     INTEGER,
    snapshot    TEXT,                           -- JSON
    at_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO idempotency_new
    SELECT i.key, i.hash, i.status, e.task_id, e.version, e.task, i.at_ms
    FROM idempotency i LEFT JOIN events e ON e.seq = i.seq;
DROP TABLE idempotency;
ALTER TABLE idempotency_new RENAME TO idempotency;
CREATE INDEX idempotency_age ON idempotency (at_ms);

-- A recovery under way: which events of a webhook are put in line again, and how far it has come.
CREATE TABLE recoveries (
    webhook_id  TEXT PRIMARY KEY,
    created_ms  INTEGER NOT NULL,
    since_ms    INTEGER NOT NULL,
    until_ms    INTEGER NOT NULL,
    states      TEXT NOT NULL,                  -- comma-separated
    cursor      INTEGER NOT NULL,               -- the last event that was looked at
    last        INTEGER NOT NULL,               -- the last event to look at
    queued      INTEGER NOT NULL                -- deliveries put in line so far
) STRICT, WITHOUT ROWID;

-- With the snapshot above, a task need not know its newest event.
ALTER TABLE tasks DROP COLUMN seq;
