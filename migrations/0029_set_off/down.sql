ALTER TABLE payouts
    DROP CONSTRAINT payouts_amount,
    DROP COLUMN set_off_minor,
    -- What was set off as a whole stays, with nothing to pay.
    ADD CONSTRAINT payouts_amount CHECK (amount_minor > 0 OR state = 'cancelled');
