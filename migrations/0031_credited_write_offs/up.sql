-- A credit of an invoice that was written off lowers what is written off: that was never owed. All
-- of it may be credited.
ALTER TABLE write_offs
    DROP CONSTRAINT write_offs_amount,
    ADD CONSTRAINT write_offs_amount CHECK (amount_minor >= 0);

-- How much of what a credit note pays off had been written off before.
ALTER TABLE credit_allocations
    ADD COLUMN written_off_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT credit_allocations_written_off
        CHECK (written_off_minor BETWEEN 0 AND amount_minor);
ALTER TABLE credit_allocations ALTER COLUMN written_off_minor DROP DEFAULT;
