// The page "webhooks".
