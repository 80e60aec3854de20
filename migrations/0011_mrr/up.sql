-- What each item is worth a month, from when until when: derived from subscriptions, and written
-- anew in the transaction that changes one. Future days are in it as far as they are known.
CREATE TABLE mrr_segments (
    org_id uuid NOT NULL,
    item_id uuid NOT NULL,
    from_on date NOT NULL,
    -- First day on which it no longer holds; null: no end is known.
    until_on date,
    subscription_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    status text NOT NULL,
    -- Why it ends, and of a cancellation its kind.
    end_reason text,
    churn_kind text,
    PRIMARY KEY (org_id, item_id, from_on),
    FOREIGN KEY (org_id, subscription_id) REFERENCES subscriptions,
    CONSTRAINT mrr_segments_days CHECK (from_on < until_on),
    CONSTRAINT mrr_segments_amount CHECK (amount_minor > 0),
    CONSTRAINT mrr_segments_status CHECK (status IN ('in_force', 'paused')),
    CONSTRAINT mrr_segments_end CHECK ((until_on IS NULL) = (end_reason IS NULL)),
    CONSTRAINT mrr_segments_end_reason
        CHECK (end_reason IN ('changed', 'paused', 'resumed', 'cancelled')),
    CONSTRAINT mrr_segments_churn
        CHECK ((churn_kind IS NOT NULL) = coalesce(end_reason = 'cancelled', false)),
    CONSTRAINT mrr_segments_churn_kind
        CHECK (churn_kind IN ('voluntary', 'involuntary', 'expired', 'unknown'))
);
-- Those of a subscription, to be written anew.
CREATE INDEX mrr_segments_subscription ON mrr_segments (org_id, subscription_id);
-- Those of a customer, over all of its life.
CREATE INDEX mrr_segments_customer ON mrr_segments (org_id, customer_id);
-- Those in force on a day or later, and those that end in a month.
CREATE INDEX mrr_segments_until ON mrr_segments (org_id, until_on, from_on);
-- Those that begin in a month.
CREATE INDEX mrr_segments_from ON mrr_segments (org_id, from_on);
CALL isolate('mrr_segments', 'SELECT, INSERT, UPDATE, DELETE');
