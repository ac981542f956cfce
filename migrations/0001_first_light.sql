-- One database serves many brokers: every table is keyed by `broker`, and rows of different ones never meet.
-- `stamp` is the moment, in nanoseconds, at which a process wrote the record down: the newest stamp wins, so that
-- records may arrive late, twice, or from several processes and still leave the same rows.

CREATE TABLE instruments (
    broker text NOT NULL,
    instrument_id text NOT NULL,
    symbol text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    tick_size numeric NOT NULL,
    tick_value numeric NOT NULL,
    product_group text NOT NULL,
    contract_year integer,
    contract_month integer,
    active boolean NOT NULL,
    currency text NOT NULL,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker, instrument_id)
);

CREATE TABLE accounts (
    broker text NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    balance numeric NOT NULL,
    kind text NOT NULL,
    can_trade boolean NOT NULL,
    is_visible boolean NOT NULL,
    simulated boolean NOT NULL,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker, account_id)
);

CREATE TABLE equity (
    broker text NOT NULL,
    account_id text NOT NULL,
    time timestamptz NOT NULL,
    equity numeric NOT NULL,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker, account_id, time)
);

CREATE INDEX equity_by_time ON equity (broker, time);

CREATE TABLE orders (
    broker text NOT NULL,
    order_id text NOT NULL,
    account_id text NOT NULL,
    instrument_id text NOT NULL,
    side text NOT NULL,
    type text NOT NULL,
    size integer NOT NULL,
    status text NOT NULL,
    is_open boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    role text NOT NULL,
    origin text NOT NULL,
    limit_price numeric,
    stop_price numeric,
    trail_ticks integer,
    bracket_stop_ticks integer,
    bracket_target_ticks integer,
    bracket_trailing boolean, -- null: no bracket
    filled integer NOT NULL,
    average_price numeric,
    broker_order_id text,
    parent_id text,
    reason text,
    sent_at timestamptz,
    acknowledged_at timestamptz,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker, order_id)
);

CREATE INDEX orders_open ON orders (broker) WHERE is_open;
CREATE INDEX orders_by_time ON orders (broker, updated_at);

-- Every change of an order as it was written down; rows are only ever added.
CREATE TABLE order_events (
    broker text NOT NULL,
    order_id text NOT NULL,
    stamp bigint NOT NULL,
    time timestamptz NOT NULL,
    status text NOT NULL,
    size integer NOT NULL,
    filled integer NOT NULL,
    limit_price numeric,
    stop_price numeric,
    average_price numeric,
    broker_order_id text,
    reason text,
    PRIMARY KEY (broker, order_id, stamp)
);

CREATE TABLE fills (
    broker text NOT NULL,
    account_id text NOT NULL,
    fill_id text NOT NULL,
    instrument_id text NOT NULL,
    broker_order_id text NOT NULL,
    order_id text,
    side text NOT NULL,
    size integer NOT NULL,
    price numeric NOT NULL,
    time timestamptz NOT NULL,
    fees numeric NOT NULL,
    gross_pnl numeric,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker, account_id, fill_id)
);

CREATE INDEX fills_by_time ON fills (broker, time);

-- A flat position stays as a row of size 0, so that a late record cannot bring an old one back.
CREATE TABLE positions (
    broker text NOT NULL,
    account_id text NOT NULL,
    instrument_id text NOT NULL,
    size integer NOT NULL,
    average_price numeric,
    opened_at timestamptz,
    round_trip_id text,
    entered integer,
    entry_points numeric,
    exited integer,
    exit_points numeric,
    gross_pnl numeric,
    fees numeric,
    peak_size integer,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker, account_id, instrument_id),
    CHECK (size = 0 OR num_nulls(average_price, opened_at, round_trip_id, entered, entry_points, exited,
                                 exit_points, gross_pnl, fees, peak_size) = 0)
);

-- A voided round trip stays as a row without figures, for the same reason.
CREATE TABLE round_trips (
    broker text NOT NULL,
    account_id text NOT NULL,
    round_trip_id text NOT NULL,
    voided boolean NOT NULL,
    instrument_id text,
    side text,
    size integer,
    entry_price numeric,
    exit_price numeric,
    opened_at timestamptz,
    closed_at timestamptz,
    gross_pnl numeric,
    fees numeric,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker, account_id, round_trip_id),
    CHECK (voided OR num_nulls(instrument_id, side, size, entry_price, exit_price, opened_at, closed_at,
                               gross_pnl, fees) = 0)
);

CREATE INDEX round_trips_by_time ON round_trips (broker, closed_at);

CREATE TABLE notifications (
    broker text NOT NULL,
    notification_id text NOT NULL,
    time timestamptz NOT NULL,
    severity text NOT NULL,
    title text NOT NULL,
    detail text NOT NULL,
    key text NOT NULL,
    account_id text,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker, notification_id)
);

CREATE INDEX notifications_by_time ON notifications (broker, time);

-- Who asked for what, and why; rows are only ever added.
CREATE TABLE audit (
    broker text NOT NULL,
    stamp bigint NOT NULL,
    time timestamptz NOT NULL,
    who text NOT NULL,
    what text NOT NULL,
    why text NOT NULL,
    account_id text,
    order_id text,
    PRIMARY KEY (broker, stamp, who, what)
);

-- Up to 1,024 bars side by side: six little-endian columns of eight bytes a value (start as seconds since the
-- epoch, open, high, low, close, volume). `block` is the number of the stretch of 1,024 nominal bars since the epoch.
CREATE TABLE bar_blocks (
    broker text NOT NULL,
    instrument_id text NOT NULL,
    timeframe text NOT NULL,
    block bigint NOT NULL,
    bars integer NOT NULL CHECK (bars > 0),
    data bytea NOT NULL,
    PRIMARY KEY (broker, instrument_id, timeframe, block)
);

ALTER TABLE bar_blocks ALTER COLUMN data SET STORAGE EXTERNAL;

-- For which stretches of time the stored bars are all there is, empty stretches included.
CREATE TABLE bar_coverage (
    broker text NOT NULL,
    instrument_id text NOT NULL,
    timeframe text NOT NULL,
    covered tstzmultirange NOT NULL,
    PRIMARY KEY (broker, instrument_id, timeframe)
);

-- How far each spool file has been stored; moved in the same transaction as its records.
CREATE TABLE spool_positions (
    broker text NOT NULL,
    segment text NOT NULL,
    position bigint NOT NULL,
    records bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (broker, segment)
);

-- Records that PostgreSQL refused, as they stand in the spool, so that one of them never blocks the rest.
CREATE TABLE refused_records (
    broker text NOT NULL,
    segment text NOT NULL,
    position bigint NOT NULL,
    kind integer NOT NULL,
    record bytea NOT NULL,
    reason text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (broker, segment, position)
);
