-- What a user has set up at the console: the account last used, symbols put on the watchlist or taken off it.
CREATE TABLE workspaces (
    broker text NOT NULL,
    account_id text,
    added text[] NOT NULL,
    removed text[] NOT NULL,
    stamp bigint NOT NULL,
    PRIMARY KEY (broker)
);
