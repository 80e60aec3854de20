DROP TABLE credit_allocations;
ALTER TABLE billing_accounts DROP COLUMN balance_minor;
ALTER TABLE invoices DROP COLUMN balance_minor;
ALTER TABLE invoice_lines
    DROP CONSTRAINT invoice_lines_credit,
    DROP CONSTRAINT invoice_lines_origin,
    DROP CONSTRAINT invoice_lines_kind,
    DROP CONSTRAINT invoice_lines_corrects,
    DROP CONSTRAINT invoice_lines_charge,
    DROP CONSTRAINT invoice_lines_once,
    DROP COLUMN discount_minor,
    DROP COLUMN corrects_line_id,
    DROP COLUMN charge_id,
    DROP COLUMN change_number,
    DROP COLUMN kind,
    ALTER COLUMN item_id SET NOT NULL,
    ALTER COLUMN subscription_id SET NOT NULL,
    ADD CONSTRAINT invoice_lines_once UNIQUE (org_id, item_id, service_from);
DROP TABLE subscription_intents;
DROP TABLE subscription_pauses;
ALTER TABLE subscriptions ADD COLUMN billed_until date;
UPDATE subscriptions s SET billed_until = coalesce(
    (SELECT max(i.billed_until) FROM subscription_items i
     WHERE i.org_id = s.org_id AND i.subscription_id = s.id AND i.until_on IS NULL),
    s.start_on);
ALTER TABLE subscriptions
    ALTER COLUMN billed_until SET NOT NULL,
    DROP CONSTRAINT subscriptions_changes,
    DROP CONSTRAINT subscriptions_state,
    ADD CONSTRAINT subscriptions_state CHECK (state IN ('pending', 'trialing', 'active', 'cancelled')),
    DROP COLUMN cancel_credit,
    DROP COLUMN changes,
    DROP COLUMN billed_on,
    DROP COLUMN turned_on;
REVOKE UPDATE ON subscription_items FROM recoup_service;
DROP INDEX subscription_items_subscription;
ALTER TABLE subscription_items
    DROP CONSTRAINT subscription_items_days,
    DROP CONSTRAINT subscription_items_timing,
    DROP CONSTRAINT subscription_items_interval,
    DROP COLUMN billed_until,
    DROP COLUMN charged_from,
    DROP COLUMN until_on,
    DROP COLUMN from_on,
    DROP COLUMN timing,
    DROP COLUMN interval_unit,
    DROP COLUMN interval_count,
    DROP COLUMN anchor_on,
    DROP COLUMN metered,
    ADD CONSTRAINT subscription_items_component UNIQUE (org_id, subscription_id, component);
ALTER TABLE plan_versions
    DROP CONSTRAINT plan_versions_interval,
    ADD CONSTRAINT plan_versions_interval CHECK (
        interval_count BETWEEN 1 AND 366 AND interval_unit IN ('day', 'week', 'month', 'year')),
    DROP CONSTRAINT plan_versions_cancel_policy,
    DROP COLUMN max_pause_months;
