-- The position of an organization's newest event. The row is held to commit, so positions are taken
-- with the last statements of a transaction, after document numbers: then they are committed in
-- their order and without gaps, and whoever sees an event sees all before it. No row: no event yet.
CREATE TABLE event_positions (
    org_id uuid PRIMARY KEY REFERENCES organizations,
    last_position bigint NOT NULL,
    CONSTRAINT event_positions_last CHECK (last_position >= 0)
);
-- Before the wall stands: row level security binds the owner too.
INSERT INTO event_positions (org_id, last_position) SELECT org_id, 0 FROM organization_directory;
CALL isolate('event_positions', 'SELECT, INSERT, UPDATE');

-- What happened, in order, for other systems. Kinds are not listed here: they become more, and an
-- older process must survive a newer one.
CREATE TABLE events (
    org_id uuid NOT NULL,
    position bigint NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    occurred_at timestamptz NOT NULL,
    effective_on date NOT NULL,
    customer_id uuid NOT NULL,
    subscription_id uuid,
    invoice_id uuid,
    payload jsonb NOT NULL,
    PRIMARY KEY (org_id, position),
    -- To the counter, whose row the transaction holds: nothing is waited for after it was taken.
    FOREIGN KEY (org_id) REFERENCES event_positions,
    CONSTRAINT events_position CHECK (position >= 1),
    CONSTRAINT events_subject CHECK ((subscription_id IS NULL) <> (invoice_id IS NULL))
);
CREATE INDEX events_customer ON events (org_id, customer_id, position);
CALL isolate('events', 'SELECT, INSERT');
CALL freeze('events');
