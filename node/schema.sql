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

-- What waits for its place in the ledger, in order; it is sealed when its block is made. kind: public and act (body is the
-- entry), submission (sealed with the secret of the day), attestation (sealed with the secret of key_id).
-- sender: the institution that speaks, empty for what the node says.
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    sender TEXT NOT NULL,
    broker TEXT,
    investor TEXT,
    key_id BLOB
) STRICT;

-- The one block that is under way. ids: a JSON list of the rows of the outbox that it holds.
CREATE TABLE IF NOT EXISTS flight (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    ids TEXT NOT NULL,
    block BLOB NOT NULL
) STRICT;

-- Every block of the ledger. digest: SHA-256 of the block. first: the position of its first entry. fault: why it was
-- passed over. state: the digest of all that is public, after it (node.replica). time: ledger time, after it
-- (node.ledger_time): the one that its entries have.
CREATE TABLE IF NOT EXISTS archive (
    sequence INTEGER PRIMARY KEY,
    block BLOB NOT NULL,
    digest BLOB NOT NULL,
    sp TEXT,
    seq INTEGER,
    first INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    fault TEXT,
    state BLOB NOT NULL,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS archive_position ON archive (first, entries);
CREATE INDEX IF NOT EXISTS archive_fault ON archive (sequence) WHERE fault IS NOT NULL;
CREATE INDEX IF NOT EXISTS archive_author ON archive (sp, seq);

-- The Merkle tree over all entries (node.tree).
CREATE TABLE IF NOT EXISTS tile (
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;

-- What the nodes have signed about the ledger's size, and whether this node comes to the same.
CREATE TABLE IF NOT EXISTS checkpoint (
    position INTEGER PRIMARY KEY,
    sp TEXT NOT NULL,
    size INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    agrees INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS checkpoint_size ON checkpoint (size, sp);
CREATE INDEX IF NOT EXISTS checkpoint_sp ON checkpoint (sp, size);

-- Public acts, in order. day: of their block. fault: why one does not count.
CREATE TABLE IF NOT EXISTS act (
    position INTEGER PRIMARY KEY,
    sp TEXT NOT NULL,
    day TEXT NOT NULL,
    act TEXT NOT NULL,
    in_effect INTEGER NOT NULL,
    fault TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS announced (
    sp TEXT NOT NULL,
    delegation BLOB NOT NULL,
    day TEXT NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (delegation, day)
) STRICT, WITHOUT ROWID;

-- Day secrets that this node's keys can open, still sealed, and the one in force of each relationship.
CREATE TABLE IF NOT EXISTS day_key (
    key_id BLOB PRIMARY KEY,
    entry BLOB NOT NULL,
    position INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS chain (
    broker TEXT NOT NULL,
    investor TEXT NOT NULL,
    last BLOB NOT NULL,
    day TEXT NOT NULL,
    retired INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    granted INTEGER NOT NULL,
    PRIMARY KEY (broker, investor)
) STRICT, WITHOUT ROWID;
-- All key entries of the ledger: a grant counts only for one of them.
CREATE TABLE IF NOT EXISTS known_key (key_id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
-- Key entries of days that were destroyed here before this store was made: they may have been for this node.
CREATE TABLE IF NOT EXISTS destroyed_key (key_id BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT;

-- The state of the contracts.
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, class TEXT NOT NULL, value TEXT NOT NULL) STRICT;

-- What this node could read: submissions, and the outcomes of contracts about them. sp: whose block carried it.
CREATE TABLE IF NOT EXISTS said (
    position INTEGER PRIMARY KEY,
    sender TEXT NOT NULL,
    source TEXT NOT NULL,
    fault TEXT,
    submission TEXT NOT NULL,
    sp TEXT NOT NULL,
    key_id BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS said_source ON said (source);
CREATE INDEX IF NOT EXISTS said_key ON said (key_id);

-- What the contract decided at a position, and how far the sides' nodes have attested the same.
-- finality: open, provisional, final, disputed. due: this node has yet to attest it. contract: the id of what ran.
-- at: where the attestation stands.
CREATE TABLE IF NOT EXISTS decided (
    position INTEGER PRIMARY KEY,
    key_id BLOB NOT NULL,
    digest TEXT NOT NULL,
    finality TEXT NOT NULL,
    due INTEGER NOT NULL,
    contract TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS decided_due ON decided (position) WHERE due = 1;
CREATE INDEX IF NOT EXISTS decided_open ON decided (position) WHERE finality IN ('open', 'provisional');
CREATE INDEX IF NOT EXISTS decided_disputed ON decided (position) WHERE finality = 'disputed';
CREATE TABLE IF NOT EXISTS attested (
    position INTEGER NOT NULL,
    sp TEXT NOT NULL,
    digest TEXT NOT NULL,
    contract TEXT NOT NULL,
    sides TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (position, sp)
) STRICT, WITHOUT ROWID;

-- What waits until this node has the contract that judges it, or contracts are not stopped any more: submissions,
-- with the secret that opens them, and days that institutions have destroyed.
CREATE TABLE IF NOT EXISTS deferred (
    position INTEGER PRIMARY KEY,
    key_id BLOB,
    late INTEGER NOT NULL,
    institution TEXT,
    day TEXT
) STRICT;

-- Through which SP an institution spoke last, and since which position.
CREATE TABLE IF NOT EXISTS spoke (institution TEXT PRIMARY KEY, sp TEXT NOT NULL, since INTEGER NOT NULL) STRICT;

-- What a person must look at. key: what it is about, once; cleared: when it was over.
CREATE TABLE IF NOT EXISTS alarm (
    key TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    raised INTEGER NOT NULL,
    cleared INTEGER
) STRICT;

CREATE TABLE IF NOT EXISTS reference (
    reference TEXT NOT NULL,
    position INTEGER NOT NULL,
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    counterparty TEXT NOT NULL,
    short TEXT,
    PRIMARY KEY (reference, position, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reference_in_short ON reference (short) WHERE short IS NOT NULL;
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
CREATE INDEX IF NOT EXISTS outcome_cancelled ON outcome (trade, position) WHERE status IN ('CANC', 'CANA');
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

-- Documents of relationships that this node's keys can open, still sealed (node.document).
CREATE TABLE IF NOT EXISTS document (
    id BLOB PRIMARY KEY,
    entry BLOB NOT NULL,
    position INTEGER NOT NULL
) STRICT;
