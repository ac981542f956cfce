-- The order that the broker refused for its bracket, and in whose place this one went out without it.
ALTER TABLE orders ADD COLUMN replaces text;
