-- Which events a webhook that is up has refused since its last 2xx, each once: one that is sent again and
-- again says no more than once. What was counted before begins anew.
ALTER TABLE webhooks DROP COLUMN refusals;
ALTER TABLE webhooks ADD COLUMN refused_events TEXT NOT NULL DEFAULT '[]';
-- When it was last told that a webhook refuses everything.
ALTER TABLE webhooks ADD COLUMN told_refusing_ms INTEGER NOT NULL DEFAULT 0;
