-- Who asked for an order's cancel (hand, renewal, or unknown), and when: a stop that the user took away is not a lost one.
ALTER TABLE orders ADD COLUMN cancel_by text;
ALTER TABLE orders ADD COLUMN cancel_asked_at timestamptz;
