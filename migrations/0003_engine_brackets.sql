-- Whether the engine, not the broker, keeps an order's bracket: places stop and target, sizes them, links them.
ALTER TABLE orders ADD COLUMN engine_bracket boolean NOT NULL DEFAULT false;
