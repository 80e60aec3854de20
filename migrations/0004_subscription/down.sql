DROP TABLE billing_accounts;
DROP TABLE subscription_items;
DROP TABLE subscriptions;
