-- What counts a price exists.
ALTER TABLE prices
    ADD CONSTRAINT prices_counted FOREIGN KEY (org_id, meter_id) REFERENCES meters;

ALTER TABLE subscription_discounts
    -- First day of the last billed period that has it: what is charged anew in that period after a
    -- change or a pause has it too, and is not counted again.
    ADD COLUMN last_on date;

-- Whose usage that arrived late is to be billed.
CREATE INDEX usage_periods_late ON usage_periods (org_id, customer_id, currency, service_until)
    WHERE stale;
DROP INDEX usage_periods_stale;
