ALTER TABLE payment_attempts DROP COLUMN worker;
DROP INDEX payment_refunds_open;
ALTER TABLE events
    DROP CONSTRAINT events_subject,
    DROP COLUMN payment_id,
    ADD CONSTRAINT events_subject CHECK (
        num_nonnulls(subscription_id, invoice_id, investment_id, self_bill_id) = 1);
ALTER TABLE collections DROP COLUMN below_minimum;
DROP INDEX collections_overdue;
ALTER TABLE collections DROP COLUMN overdue_on;
