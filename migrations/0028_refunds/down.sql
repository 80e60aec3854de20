DROP TABLE payment_refunds;
ALTER TABLE billing_accounts DROP COLUMN refunding_minor;
