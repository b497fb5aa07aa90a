-- What a webhook that is up has refused in a row since its last 2xx, and since when these are so many
-- that it is said to refuse everything; NULL: it is not.
ALTER TABLE webhooks ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhooks ADD COLUMN refusing_ms INTEGER;
