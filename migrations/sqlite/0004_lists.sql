-- Lists of a million deliveries. What a list takes is a choice of runs: the deliveries of a webhook
-- in one state and of one kind. One index holds each run in order of commit.

-- A lane is (webhook_id, task_id). At most one unfinished delivery of a lane may go out: it is
-- `sending`, or it has a due_ms. One that is `held` for good (rejected) has none, and nothing
-- behind it in its lane has one either.
CREATE TABLE deliveries_new (
    seq         INTEGER NOT NULL REFERENCES events (seq),
    webhook_id  TEXT NOT NULL,
    task_id     TEXT NOT NULL,
    kind        TEXT NOT NULL,                  -- of its event
    -- Each for itself: for a list, SQLite builds a table at every write.
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
    PRIMARY KEY (seq, webhook_id)
) STRICT, WITHOUT ROWID;
INSERT INTO deliveries_new
    SELECT d.seq, d.webhook_id, d.task_id, e.kind, d.status, d.due_ms, d.attempts, d.tries,
        d.first_ms, d.payload, d.started_ms, d.finished_ms, d.reason, d.reason_text
    FROM deliveries d JOIN events e ON e.seq = d.seq
    ORDER BY d.seq, d.webhook_id;
-- With it go its indexes and triggers.
DROP TABLE deliveries;
ALTER TABLE deliveries_new RENAME TO deliveries;
CREATE INDEX deliveries_due ON deliveries (webhook_id, due_ms, seq) WHERE due_ms IS NOT NULL;
CREATE INDEX deliveries_lane ON deliveries (webhook_id, task_id, seq) WHERE finished_ms IS NULL;
CREATE INDEX deliveries_run ON deliveries (webhook_id, status, kind, seq);

-- The same of the outcome: with both, a delivery costs no more to write than before this script.
CREATE TABLE attempts_new (
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
INSERT INTO attempts_new SELECT * FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_new RENAME TO attempts;

-- How many deliveries of each kind a webhook has, and how many of them have not ended: kept, since
-- counting a million takes long. Triggers keep it, so that no statement can forget to. Not kept for
-- each status: every step of every delivery would have to write here.
DROP TABLE backlogs;
CREATE TABLE totals (
    webhook_id  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    n           INTEGER NOT NULL,
    unfinished  INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO totals
    SELECT webhook_id, kind, COUNT(*), SUM(finished_ms IS NULL)
    FROM deliveries GROUP BY webhook_id, kind;

CREATE TRIGGER deliveries_begin AFTER INSERT ON deliveries BEGIN
    INSERT INTO totals VALUES (NEW.webhook_id, NEW.kind, 1, NEW.finished_ms IS NULL)
        ON CONFLICT (webhook_id, kind) DO UPDATE
            SET n = n + 1, unfinished = unfinished + excluded.unfinished;
END;
CREATE TRIGGER deliveries_turn AFTER UPDATE OF finished_ms ON deliveries
    WHEN (OLD.finished_ms IS NULL) <> (NEW.finished_ms IS NULL) BEGIN
    UPDATE totals
        SET unfinished = unfinished + (NEW.finished_ms IS NULL) - (OLD.finished_ms IS NULL)
        WHERE webhook_id = NEW.webhook_id AND kind = NEW.kind;
END;
CREATE TRIGGER deliveries_go AFTER DELETE ON deliveries BEGIN
    UPDATE totals SET n = n - 1, unfinished = unfinished - (OLD.finished_ms IS NULL)
        WHERE webhook_id = OLD.webhook_id AND kind = OLD.kind;
    DELETE FROM totals WHERE webhook_id = OLD.webhook_id AND kind = OLD.kind AND n = 0;
END;

-- A recovery looks at the events of its span alone; from here to `last` is all of its way.
ALTER TABLE recoveries ADD COLUMN first INTEGER NOT NULL DEFAULT 0;
UPDATE recoveries SET first = cursor;

-- A board asks for each status apart. With all that a filter may ask for in the index, only what is
-- shown is read from the table. What was there by updated_ms alone is a merge of the four.
DROP INDEX tasks_updated;
CREATE INDEX tasks_board
    ON tasks (status, updated_ms, num, priority, type, category, due_ms, tags);
