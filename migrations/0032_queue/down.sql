ALTER TABLE payment_attempts DROP COLUMN worker;
ALTER TABLE collections DROP COLUMN below_minimum;
DROP INDEX collections_overdue;
ALTER TABLE collections DROP COLUMN overdue_on;
