DROP TABLE arrears;
ALTER TABLE payments DROP CONSTRAINT payments_of_attempt;
DROP TABLE payment_attempts;
DROP TABLE collection_steps;
DROP TABLE collections;
