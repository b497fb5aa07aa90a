-- What is done with many deliveries at once: with which, and how far it has come. One that has ended
-- stays for a while, so that who asked can see what became of it.
CREATE TABLE jobs (
    num            INTEGER PRIMARY KEY AUTOINCREMENT,
    action         TEXT NOT NULL,               -- redeliver, cancel
    filter         TEXT NOT NULL,               -- as in the address of the list
    state          TEXT NOT NULL,               -- running, done, ended
    created_ms     INTEGER NOT NULL,
    finished_ms    INTEGER,
    expected       INTEGER,                     -- deliveries, when it was asked for; NULL = not counted
    changed        INTEGER NOT NULL,            -- deliveries so far
    first          INTEGER NOT NULL,            -- the last event before all that are looked at
    cursor         INTEGER NOT NULL,            -- the delivery that was looked at last: its event
    cursor_webhook TEXT NOT NULL,               -- and its webhook
    last           INTEGER NOT NULL             -- the last event to look at
) STRICT;
