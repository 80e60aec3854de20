-- Records that a worker could not process and has set aside, with the reason.
CREATE TABLE set_asides (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    kind text NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    times integer NOT NULL,
    resolved_at timestamptz,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, customer_id) REFERENCES customers,
    CONSTRAINT set_asides_kind CHECK (kind IN ('billing'))
);
CREATE UNIQUE INDEX set_asides_open ON set_asides (org_id, kind, customer_id, currency)
    WHERE resolved_at IS NULL;
CALL isolate('set_asides', 'SELECT, INSERT, UPDATE');

-- The job queue: wake-ups for the workers. Global, no policy, never joined to tables of
-- organizations; what is due stands in the organizations' own rows.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    queue text NOT NULL,
    -- The organization that the arguments name, for listing.
    org_id uuid,
    args jsonb NOT NULL,
    -- Unique within the queue. Cleared at the end of a job that may come again.
    key text,
    release_key boolean NOT NULL,
    status text NOT NULL,
    priority integer NOT NULL,
    attempts integer NOT NULL,
    max_attempts integer NOT NULL,
    run_at timestamptz NOT NULL,
    lock_owner text,
    lease_until timestamptz,
    last_result text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT jobs_key UNIQUE (queue, key),
    CONSTRAINT jobs_status CHECK (status IN ('queued', 'running', 'done', 'dead')),
    CONSTRAINT jobs_attempts CHECK (attempts BETWEEN 0 AND max_attempts),
    CONSTRAINT jobs_lease CHECK ((status = 'running') = (lease_until IS NOT NULL))
);
CREATE INDEX jobs_due ON jobs (queue, priority DESC, run_at) WHERE status = 'queued';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE status = 'running';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_org ON jobs (org_id, id);
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO recoup_service;
