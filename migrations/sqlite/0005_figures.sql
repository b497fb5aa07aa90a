-- What the pages draw: counts by span, of all webhooks and of each. Nothing rests on them.
-- Starts are whole multiples of the span. Lags are counts by bucket: 'bucket:count bucket:count'.
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
