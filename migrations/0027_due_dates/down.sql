ALTER TABLE customers DROP COLUMN scheme;
ALTER TABLE organizations DROP COLUMN pre_notification_days;
