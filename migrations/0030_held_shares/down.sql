DROP INDEX investment_months_held_in;
ALTER TABLE investment_months DROP COLUMN held;
