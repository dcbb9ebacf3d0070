-- The store of one node: the archive of the ledger, what the node could read of it, and what waits to be done.
-- Positions and times: positions count entries from 0; times are microseconds since 1970, UTC.

CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- What arrived, as it arrived. state: stored, held (a part of a message not yet whole), answered, ordered.
CREATE TABLE IF NOT EXISTS raw (
    id INTEGER PRIMARY KEY,
    client TEXT NOT NULL,
    origin TEXT NOT NULL,
    received INTEGER NOT NULL,
    digest TEXT NOT NULL,
    bytes BLOB NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (client, origin)
) STRICT;
CREATE INDEX IF NOT EXISTS raw_waiting ON raw (id) WHERE state = 'stored';
CREATE INDEX IF NOT EXISTS raw_held ON raw (id) WHERE state = 'held';

-- Parts of messages that are said by several.
CREATE TABLE IF NOT EXISTS part (
    client TEXT NOT NULL,
    mapping TEXT NOT NULL,
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    total INTEGER NOT NULL,
    raw INTEGER NOT NULL REFERENCES raw (id),
    item INTEGER NOT NULL,
    PRIMARY KEY (client, mapping, key, number)
) STRICT;

-- What this node submitted for its clients. source: digest of the raw bytes. echo: JSON, for answers.
CREATE TABLE IF NOT EXISTS submission (
    source TEXT NOT NULL,
    client TEXT NOT NULL,
    mapping TEXT NOT NULL,
    echo TEXT NOT NULL,
    raw INTEGER NOT NULL REFERENCES raw (id),
    PRIMARY KEY (source, client)
) STRICT;
CREATE INDEX IF NOT EXISTS submission_raw ON submission (raw);

-- Entries that wait for their place in the ledger, in order.
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;

-- The one block that is under way, with the last outbox id that it holds.
CREATE TABLE IF NOT EXISTS flight (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    last INTEGER NOT NULL,
    block BLOB NOT NULL
) STRICT;

-- Every block of the ledger. first: the position of its first entry. fault: why it was passed over.
CREATE TABLE IF NOT EXISTS archive (
    sequence INTEGER PRIMARY KEY,
    block BLOB NOT NULL,
    sp TEXT,
    seq INTEGER,
    first INTEGER,
    entries INTEGER NOT NULL,
    fault TEXT
) STRICT;

-- Day secrets that this node's keys can open, still sealed.
CREATE TABLE IF NOT EXISTS day_key (
    key_id BLOB PRIMARY KEY,
    entry BLOB NOT NULL,
    position INTEGER NOT NULL
) STRICT;

-- The state of the contracts.
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, class TEXT NOT NULL, value TEXT NOT NULL) STRICT;

-- What this node could read: submissions, and the outcomes of contracts about them.
CREATE TABLE IF NOT EXISTS said (
    position INTEGER PRIMARY KEY,
    sender TEXT NOT NULL,
    source TEXT NOT NULL,
    fault TEXT,
    submission TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS said_source ON said (source);
CREATE TABLE IF NOT EXISTS reference (
    reference TEXT NOT NULL,
    position INTEGER NOT NULL,
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    counterparty TEXT NOT NULL,
    PRIMARY KEY (reference, position, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcome (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    trade TEXT,
    status TEXT,
    outcome TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outcome_position ON outcome (position);
CREATE INDEX IF NOT EXISTS outcome_trade ON outcome (trade, position);

-- The durable queue to clients. state: queued, delivered.
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    bytes BLOB NOT NULL,
    queued INTEGER NOT NULL,
    delivered INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery (client, number) WHERE delivered IS NULL;
CREATE INDEX IF NOT EXISTS delivery_source ON delivery (source);
-- What operators look for (node.trade_query, node.tracing): few rows.
CREATE INDEX IF NOT EXISTS outcome_cancelled ON outcome (trade, position) WHERE status = 'CANC';
CREATE INDEX IF NOT EXISTS delivery_refusal ON delivery (number) WHERE kind = 'refusal';
CREATE INDEX IF NOT EXISTS raw_unordered ON raw (id) WHERE state IN ('answered', 'held');

-- Answers and copies that a client's format could not say, for a person to look at.
CREATE TABLE IF NOT EXISTS unwritten (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    noted INTEGER NOT NULL
) STRICT;
