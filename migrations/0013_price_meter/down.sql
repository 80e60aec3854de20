CREATE INDEX usage_periods_stale ON usage_periods (org_id, customer_id) WHERE stale;
DROP INDEX usage_periods_late;
ALTER TABLE subscription_discounts DROP COLUMN last_on;
ALTER TABLE prices DROP CONSTRAINT prices_counted;
