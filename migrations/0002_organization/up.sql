-- Which organizations exist: the only thing that work over all of them may read. Global, no
-- policy, never joined to tables of organizations.
CREATE TABLE organization_directory (
    org_id uuid PRIMARY KEY,
    kind text NOT NULL,
    time_zone text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT organization_directory_kind CHECK (kind IN ('live', 'sandbox'))
);
GRANT SELECT, INSERT ON organization_directory TO recoup_service;

CREATE TABLE organizations (
    org_id uuid PRIMARY KEY,
    kind text NOT NULL,
    legal_name text NOT NULL,
    registration_number text,
    address jsonb NOT NULL,
    country text NOT NULL,
    vat_number text,
    iban text,
    email text,
    default_currency text NOT NULL,
    time_zone text NOT NULL,
    language text NOT NULL,
    small_business boolean NOT NULL,
    issue_zero_invoices boolean NOT NULL,
    number_pattern text NOT NULL,
    invoice_prefix text NOT NULL,
    credit_note_prefix text NOT NULL,
    payment_terms_days integer NOT NULL,
    -- Account codes of its own, by default code.
    chart jsonb NOT NULL,
    -- Where a sandbox's clock stands.
    sandbox_now timestamptz,
    -- Who moves the clock, until when by the wall clock: at most one at a time.
    clock_holder uuid,
    clock_held_until timestamptz,
    -- Signs page tokens.
    page_secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT organizations_kind CHECK (kind IN ('live', 'sandbox')),
    CONSTRAINT organizations_sandbox_clock CHECK ((kind = 'sandbox') = (sandbox_now IS NOT NULL)),
    CONSTRAINT organizations_language CHECK (language IN ('nl', 'en')),
    CONSTRAINT organizations_payment_terms CHECK (payment_terms_days BETWEEN 0 AND 365)
);
CALL isolate('organizations', 'SELECT, INSERT, UPDATE');

CREATE TABLE api_keys (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL,
    -- SHA-256 of the secret part, which has 256 random bits.
    secret_hash bytea NOT NULL,
    roles text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (org_id, id),
    CONSTRAINT api_keys_hash CHECK (octet_length(secret_hash) = 32),
    CONSTRAINT api_keys_roles CHECK (cardinality(roles) > 0)
);
CREATE INDEX api_keys_name ON api_keys (org_id, name);
CALL isolate('api_keys', 'SELECT, INSERT, UPDATE');

-- Answers to calls that carried a request id.
CREATE TABLE answered_requests (
    org_id uuid NOT NULL REFERENCES organizations,
    request_id uuid NOT NULL,
    method text NOT NULL,
    -- SHA-256 of the request's content.
    content_hash bytea NOT NULL,
    answer bytea NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, request_id)
);
CREATE INDEX answered_requests_age ON answered_requests (org_id, answered_at);
CALL isolate('answered_requests', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE vat_rates (
    org_id uuid NOT NULL REFERENCES organizations,
    country text NOT NULL,
    category text NOT NULL,
    valid_from date NOT NULL,
    percent numeric NOT NULL,
    PRIMARY KEY (org_id, country, category, valid_from),
    CONSTRAINT vat_rates_percent CHECK (percent BETWEEN 0 AND 100)
);
CALL isolate('vat_rates', 'SELECT, INSERT, UPDATE');

CREATE TABLE customers (
    org_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL,
    address jsonb NOT NULL,
    country text NOT NULL,
    email text,
    vat_number text,
    vat_treatment text NOT NULL,
    currency text NOT NULL,
    payment_terms_days integer,
    party_type text NOT NULL,
    treat_as_consumer boolean NOT NULL,
    language text,
    external_reference text,
    in_arrears boolean NOT NULL DEFAULT false,
    block_reason text,
    blocked_on date,
    block_expires_on date,
    blocked_by text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    CONSTRAINT customers_vat_treatment CHECK (vat_treatment IN ('domestic', 'eu_reverse_charge', 'outside_eu')),
    CONSTRAINT customers_party_type CHECK (party_type IN ('business', 'consumer')),
    CONSTRAINT customers_payment_terms CHECK (payment_terms_days BETWEEN 0 AND 365),
    CONSTRAINT customers_block CHECK (
        (block_reason IS NULL) = (blocked_on IS NULL) AND (block_reason IS NULL) = (blocked_by IS NULL))
);
CREATE UNIQUE INDEX customers_external_reference ON customers (org_id, external_reference);
CALL isolate('customers', 'SELECT, INSERT, UPDATE');
