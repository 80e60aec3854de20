-- The day on which a collection begins to count as overdue, while that is still to come: nothing
-- else need happen on it. Rows that are older get it when they are planned next.
ALTER TABLE collections ADD COLUMN overdue_on date;
CREATE INDEX collections_overdue ON collections (org_id, overdue_on) WHERE overdue_on IS NOT NULL;

-- Whether the customer owed less than the policy's minimum when it was planned.
ALTER TABLE collections ADD COLUMN below_minimum boolean NOT NULL DEFAULT false;

-- Events about money that goes back to a customer.
ALTER TABLE events
    ADD COLUMN payment_id uuid,
    DROP CONSTRAINT events_subject,
    ADD CONSTRAINT events_subject CHECK (
        num_nonnulls(subscription_id, invoice_id, investment_id, self_bill_id, payment_id) = 1);

-- Refunds that are not at their end, for whoever watches them.
CREATE INDEX payment_refunds_open ON payment_refunds (org_id, state)
    WHERE state IN ('submitting', 'accepted', 'unknown');

-- Which process committed the attempt and sends it, or asks about it, for people; null: of an older
-- attempt.
ALTER TABLE payment_attempts ADD COLUMN worker text;
