// The page "sign-in".
