-- How many deliveries of a webhook have not ended: kept, since counting a million takes a third of
-- a second. Triggers keep it, so that no statement can forget to.
CREATE TABLE backlogs (
    webhook_id  TEXT PRIMARY KEY,
    unfinished  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO backlogs
    SELECT webhook_id, COUNT(*) FROM deliveries WHERE finished_ms IS NULL GROUP BY webhook_id;

CREATE TRIGGER deliveries_begin AFTER INSERT ON deliveries WHEN NEW.finished_ms IS NULL BEGIN
    INSERT INTO backlogs VALUES (NEW.webhook_id, 1)
        ON CONFLICT (webhook_id) DO UPDATE SET unfinished = unfinished + 1;
END;
CREATE TRIGGER deliveries_end AFTER UPDATE OF finished_ms ON deliveries
    WHEN OLD.finished_ms IS NULL AND NEW.finished_ms IS NOT NULL BEGIN
    UPDATE backlogs SET unfinished = unfinished - 1 WHERE webhook_id = NEW.webhook_id;
END;
CREATE TRIGGER deliveries_return AFTER UPDATE OF finished_ms ON deliveries
    WHEN OLD.finished_ms IS NOT NULL AND NEW.finished_ms IS NULL BEGIN
    INSERT INTO backlogs VALUES (NEW.webhook_id, 1)
        ON CONFLICT (webhook_id) DO UPDATE SET unfinished = unfinished + 1;
END;
CREATE TRIGGER deliveries_go AFTER DELETE ON deliveries WHEN OLD.finished_ms IS NULL BEGIN
    UPDATE backlogs SET unfinished = unfinished - 1 WHERE webhook_id = OLD.webhook_id;
END;
