-- Why what could be credited of a month is carried; null: nothing holds it.
ALTER TABLE investment_months
    ADD COLUMN held text,
    ADD CONSTRAINT investment_months_held CHECK (held IS NULL
        OR (held IN ('principal_open', 'vat_rate_missing') AND credited_minor = 0));
-- What is held is looked at all the time.
CREATE INDEX investment_months_held_in ON investment_months (org_id, month) WHERE held IS NOT NULL;
