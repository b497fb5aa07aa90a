// The page "board".
