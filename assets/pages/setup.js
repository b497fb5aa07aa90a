// The page "setup".
