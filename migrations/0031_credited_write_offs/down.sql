ALTER TABLE credit_allocations DROP COLUMN written_off_minor;
ALTER TABLE write_offs
    DROP CONSTRAINT write_offs_amount,
    ADD CONSTRAINT write_offs_amount CHECK (amount_minor > 0);
