ALTER TABLE events
    DROP CONSTRAINT events_subject,
    DROP COLUMN investment_id,
    DROP COLUMN self_bill_id,
    ADD CONSTRAINT events_subject CHECK ((subscription_id IS NULL) <> (invoice_id IS NULL));
DROP TABLE self_billing_agreements;
DROP TABLE investments;
DROP INDEX products_investment;
ALTER TABLE products
    DROP CONSTRAINT products_revenue,
    ADD CONSTRAINT products_revenue CHECK (revenue IN ('subscription', 'service', 'usage'));
DROP INDEX subscription_items_price;
DROP INDEX prices_feature;
ALTER TABLE prices DROP CONSTRAINT prices_sells, DROP COLUMN feature_id;
DROP TABLE feature_votes;
DROP TABLE features;
