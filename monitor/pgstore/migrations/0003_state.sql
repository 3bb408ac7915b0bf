-- State by key: alert state, silences, approvals, the delivery ledger, audit.

CREATE TABLE {schema}.monitoring_state (
    namespace TEXT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (namespace, key)
);
