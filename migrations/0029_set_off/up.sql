-- What of a payout was set off against what its investor had been paid too much: it is not sent.
ALTER TABLE payouts
    ADD COLUMN set_off_minor bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT payouts_amount,
    ADD CONSTRAINT payouts_amount CHECK (set_off_minor >= 0
        AND (amount_minor > 0 OR (amount_minor = 0 AND set_off_minor > 0 AND state = 'cancelled')));
ALTER TABLE payouts ALTER COLUMN set_off_minor DROP DEFAULT;
