-- When the request left that last failed at a webhook while that was not up; NULL: none did, or it is up.
-- What waits is given up only after such a look.
ALTER TABLE webhooks ADD COLUMN looked_ms INTEGER;
