-- All tables of the first version. Until 0.1.0 is released this script itself may change; from then on it never does,
-- and what changes gets a script with the next number.
--
-- Times are milliseconds since 1970-01-01T00:00:00Z (*_ms). A closed set of words is checked word by word: for
-- IN (…), SQLite builds a table of the words at every write.

-- What people see and change ------------------------------------------------------------------------------------

CREATE TABLE tasks (
    num         INTEGER PRIMARY KEY,            -- order of creation
    id          TEXT NOT NULL UNIQUE,
    version     INTEGER NOT NULL,
    title       TEXT NOT NULL,
    description TEXT,
    type        TEXT,
    category    TEXT,
    status      TEXT NOT NULL CHECK (status = 'OPEN' OR status = 'IN_PROGRESS'
                    OR status = 'DONE' OR status = 'CANCELLED'),
    priority    INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    due_ms      INTEGER,
    tags        TEXT NOT NULL,                  -- a line each, a line break before and after
    attachments TEXT NOT NULL,                  -- JSON
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
) STRICT;

-- A board asks for each status apart. With all that a filter may ask for in the index, only what is shown is read
-- from the table; a list by updated_ms alone is a merge of the four statuses.
CREATE INDEX tasks_board
    ON tasks (status, updated_ms, num, priority, type, category, due_ms, tags);

-- The version at which a deleted id goes on when it is made again.
CREATE TABLE tombstones (
    task_id     TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    num         INTEGER NOT NULL                -- that it had
) STRICT, WITHOUT ROWID;

-- In which tasks, by num, three letters stand side by side in title or description, in small letters and composed. It
-- holds no text, and not where in a text they stand: a third of the size.
CREATE VIRTUAL TABLE task_search
    USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1', detail = none);
INSERT INTO task_search (task_search, rank) VALUES ('automerge', 0);    -- whoever fills it says when

-- The event up to which it is filled. No later one is removed, so it also tells of the newest that ever was.
CREATE TABLE search_mark (seq INTEGER NOT NULL) STRICT;
INSERT INTO search_mark VALUES (0);

-- A repeat of a write under the same key gets the first answer again, which must not depend on an event that may
-- be gone by then.
CREATE TABLE idempotency (
    key         TEXT PRIMARY KEY,
    hash        TEXT NOT NULL,                  -- SHA-256 of method, path and body
    status      INTEGER NOT NULL,               -- of the first answer
    task_id     TEXT,                           -- what it showed, if it showed a task:
    version     INTEGER,
    snapshot    TEXT,                           -- JSON
    at_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys are forgotten by their age.
CREATE INDEX idempotency_age ON idempotency (at_ms);

-- What sessions of browsers are proved with, beside the token: who guesses a token cannot try it by making
-- sessions. One row, made at the first start with a token.
CREATE TABLE session_key (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    key         TEXT NOT NULL
) STRICT;

-- Sessions that were signed out of: until when each would have held, which no two have in common.
CREATE TABLE ended_sessions (
    until_ms    INTEGER PRIMARY KEY
) STRICT;

-- What is sent, and to whom --------------------------------------------------------------------------------------

CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,            -- order of commit; never given twice
    id          TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    origin      TEXT NOT NULL,
    task_id     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    task        TEXT NOT NULL,                  -- JSON, byte for byte as it is sent
    before      TEXT                            -- the old values of what changed, as JSON; NULL for a creation
) STRICT;

-- The history of a task.
CREATE INDEX events_by_task ON events (task_id, seq);

CREATE TABLE webhooks (
    id               TEXT PRIMARY KEY,
    state            TEXT NOT NULL CHECK (state = 'live' OR state = 'retired' OR state = 'deleted'),
    created_ms       INTEGER NOT NULL,
    url              TEXT NOT NULL,
    events           TEXT NOT NULL,             -- comma-separated
    source           TEXT,
    description      TEXT,
    headers          TEXT NOT NULL,             -- JSON, [[name, value], …]
    secret           TEXT,
    old_secret       TEXT,
    old_until_ms     INTEGER,                   -- until when the old secret signs too
    payload          TEXT NOT NULL,
    filter           TEXT NOT NULL,             -- JSON
    ignore_origin    TEXT NOT NULL,             -- comma-separated
    profile          TEXT NOT NULL,
    rate_per_second  INTEGER,
    timeout_s        INTEGER NOT NULL,
    max_attempts     INTEGER NOT NULL,
    on_reject        TEXT NOT NULL,
    -- How it is doing:
    paused           INTEGER NOT NULL CHECK (paused = 0 OR paused = 1),
    condition        TEXT NOT NULL CHECK (condition = 'up' OR condition = 'down'
                         OR condition = 'misconfigured' OR condition = 'gone'),
    since_ms         INTEGER NOT NULL,          -- of the condition
    failures         INTEGER NOT NULL,          -- probes that failed since
    probe_ms         INTEGER,                   -- when the next probe goes out; NULL = none by itself
    looked_ms        INTEGER,                   -- when the request left that last failed while it was not up;
                                                -- what waits is given up only after such a look
    denied           TEXT NOT NULL,             -- JSON, the events refused in a row with 401, 403 or 404
    refused_events   TEXT NOT NULL,             -- JSON, which events it has refused while up since its last
                                                -- 2xx, each once,
    refusing_ms      INTEGER,                   -- and since when these are so many that it is said to refuse
                                                -- everything; NULL: it is not
    why              TEXT NOT NULL,             -- in words; empty while it is up
    wait_until_ms    INTEGER NOT NULL,          -- the receiver asked for quiet until then; 0 = no
    -- When the last alert was made; 0 = never:
    failure_alert_ms INTEGER NOT NULL,          -- of a failed delivery
    refusing_alert_ms INTEGER NOT NULL,         -- that it refuses everything
    is_behind        INTEGER NOT NULL CHECK (is_behind = 0 OR is_behind = 1)  -- there was one of its long queue
) STRICT, WITHOUT ROWID;

-- A lane is (webhook_id, task_id). At most one unfinished delivery of a lane may go out: it is `sending`, or it has
-- a due_ms. One that is `held` for good (rejected) has none, and nothing behind it in its lane has one either.
CREATE TABLE deliveries (
    seq         INTEGER NOT NULL REFERENCES events (seq),
    webhook_id  TEXT NOT NULL,
    task_id     TEXT NOT NULL,
    kind        TEXT NOT NULL,                  -- of its event
    status      TEXT NOT NULL CHECK (status = 'pending' OR status = 'sending'
                    OR status = 'delivered' OR status = 'held' OR status = 'failed'
                    OR status = 'cancelled'),
    due_ms      INTEGER,                        -- NULL: not its turn, under way, or finished
    attempts    INTEGER NOT NULL,               -- requests made, for ever
    tries       INTEGER NOT NULL,               -- of those, how many are in the series at hand
    first_ms    INTEGER,                        -- when that series began; NULL before its first
    payload     TEXT,                           -- the body it gets; NULL before its first attempt
    started_ms  INTEGER,                        -- of the request under way; NULL if there is none
    finished_ms INTEGER,                        -- NULL: not finished
    reason      TEXT,                           -- of held, failed and cancelled, else NULL: a code,
    reason_text TEXT,                           -- and a sentence
    -- The first attempt, if it was answered with 2xx, as nearly all are: it has no row of its own.
    answered_ms    INTEGER,                     -- when its request left
    answer_took_ms INTEGER,
    answer_status  INTEGER,
    answer_excerpt TEXT,
    PRIMARY KEY (seq, webhook_id)
) STRICT, WITHOUT ROWID;

-- What is to be sent next.
CREATE INDEX deliveries_due ON deliveries (webhook_id, due_ms, seq) WHERE due_ms IS NOT NULL;
-- Whose turn it is in a lane.
CREATE INDEX deliveries_lane ON deliveries (webhook_id, task_id, seq) WHERE finished_ms IS NULL;
-- Lists of a million: what a list takes is a choice of runs, the deliveries of a webhook in one state and of one
-- kind, and this holds each run in order of commit.
CREATE INDEX deliveries_run ON deliveries (webhook_id, status, kind, seq);

-- Attempts that have a row of their own.
CREATE TABLE other_attempts (
    seq         INTEGER NOT NULL,
    webhook_id  TEXT NOT NULL,
    number      INTEGER NOT NULL,
    started_ms  INTEGER NOT NULL,
    ms          INTEGER,
    status      INTEGER,
    error       TEXT,
    excerpt     TEXT,
    outcome     TEXT NOT NULL CHECK (outcome = 'delivered' OR outcome = 'retry'
                    OR outcome = 'held' OR outcome = 'failed' OR outcome = 'unknown'),
    PRIMARY KEY (seq, webhook_id, number)
) STRICT, WITHOUT ROWID;

CREATE VIEW attempts AS
    SELECT seq, webhook_id, number, started_ms, ms, status, error, excerpt, outcome FROM other_attempts
    UNION ALL
    SELECT seq, webhook_id, 1, answered_ms, answer_took_ms, answer_status, NULL, answer_excerpt, 'delivered'
        FROM deliveries WHERE answered_ms IS NOT NULL;

-- How many deliveries of each kind a webhook has, and how many of them have not ended: kept, since counting a
-- million takes long. Written once for all that share a commit: a trigger would write it for each. Not kept for each
-- status: every step of every delivery would have to write here.
CREATE TABLE totals (
    webhook_id  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    n           INTEGER NOT NULL,
    unfinished  INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, kind)
) STRICT, WITHOUT ROWID;

-- What is done with many deliveries, step by step ---------------------------------------------------------------

-- A recovery under way: which events of a webhook are put in line again, and how far it has come.
CREATE TABLE recoveries (
    webhook_id  TEXT PRIMARY KEY,
    created_ms  INTEGER NOT NULL,
    since_ms    INTEGER NOT NULL,
    until_ms    INTEGER NOT NULL,
    states      TEXT NOT NULL,                  -- comma-separated
    first       INTEGER NOT NULL,               -- the last event before all that are looked at
    cursor      INTEGER NOT NULL,               -- the last event that was looked at
    last        INTEGER NOT NULL,               -- the last event to look at
    queued      INTEGER NOT NULL                -- deliveries put in line so far
) STRICT, WITHOUT ROWID;

-- What is done with all that a filter lets through. A job that is through stays for a while, so that who asked can
-- see what became of it.
CREATE TABLE jobs (
    num            INTEGER PRIMARY KEY AUTOINCREMENT,
    action         TEXT NOT NULL,               -- redeliver, cancel
    filter         TEXT NOT NULL,               -- as in the address of the list
    state          TEXT NOT NULL,               -- running, done
    created_ms     INTEGER NOT NULL,
    finished_ms    INTEGER,
    reason         TEXT,                        -- why it ended before all was done; NULL = it was
    expected       INTEGER,                     -- deliveries, when it was asked for; NULL = not counted
    changed        INTEGER NOT NULL,            -- deliveries so far
    first          INTEGER NOT NULL,            -- the last event before all that are looked at
    cursor         INTEGER NOT NULL,            -- the delivery that was looked at last: its event
    cursor_webhook TEXT NOT NULL,               -- and its webhook
    last           INTEGER NOT NULL             -- the last event to look at
) STRICT;

-- What the pages draw; nothing rests on it ----------------------------------------------------------------------

-- Counts by span. Starts are whole multiples of the span. Lags are counts by bucket: 'bucket:count bucket:count'.
CREATE TABLE figures (
    seconds      INTEGER NOT NULL,              -- of the span: 60 or 3600
    start_ms     INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,              -- requests that ended
    delivered    INTEGER NOT NULL,              -- of those, answered with 2xx
    lags         TEXT NOT NULL,
    waiting_most INTEGER,                       -- deliveries that waited; NULL = nobody looked
    waiting_last INTEGER,
    PRIMARY KEY (seconds, start_ms)
) STRICT, WITHOUT ROWID;

-- By time first: the rows that are written at once, read at once and deleted at once lie together.
CREATE TABLE webhook_figures (
    seconds      INTEGER NOT NULL,              -- of the span: 60, 600 or 3600
    start_ms     INTEGER NOT NULL,
    webhook_id   TEXT NOT NULL,
    attempts     INTEGER NOT NULL,
    delivered    INTEGER NOT NULL,
    lags         TEXT NOT NULL,                 -- with spans of 600 s only
    PRIMARY KEY (seconds, start_ms, webhook_id)
) STRICT, WITHOUT ROWID;

-- The newest answer of each webhook.
CREATE TABLE last_answers (
    webhook_id   TEXT PRIMARY KEY,
    at_ms        INTEGER NOT NULL,
    status       INTEGER,                       -- NULL: no answer came
    ms           INTEGER NOT NULL,
    error        TEXT                           -- NULL: nothing went wrong
) STRICT, WITHOUT ROWID;

-- The state of the disk -----------------------------------------------------------------------------------------

-- Written to see whether the disk takes a write.
CREATE TABLE write_check (n INTEGER NOT NULL) STRICT;
INSERT INTO write_check VALUES (0);
