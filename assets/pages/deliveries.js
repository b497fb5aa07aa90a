// The page "deliveries".
