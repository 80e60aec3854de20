-- The day on which a collection begins to count as overdue, while that is still to come: nothing
-- else need happen on it. Rows that are older get it when they are planned next.
ALTER TABLE collections ADD COLUMN overdue_on date;
CREATE INDEX collections_overdue ON collections (org_id, overdue_on) WHERE overdue_on IS NOT NULL;

-- Whether the customer owed less than the policy's minimum when it was planned.
ALTER TABLE collections ADD COLUMN below_minimum boolean NOT NULL DEFAULT false;

-- Which process committed the attempt and sends it, or asks about it, for people; null: of an older
-- attempt.
ALTER TABLE payment_attempts ADD COLUMN worker text;
