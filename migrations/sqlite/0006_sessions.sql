-- What sessions of browsers are proved with, beside the token: who guesses a token cannot try it by
-- making sessions. One row, made at the first start with a token.
CREATE TABLE session_key (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    key         TEXT NOT NULL
) STRICT;

-- Sessions that were signed out of: until when each would have held, which no two have in common.
CREATE TABLE ended_sessions (
    until_ms    INTEGER PRIMARY KEY
) STRICT;
