CREATE OR REPLACE FUNCTION refuse_change_of_document() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'documents are never deleted: corrections are credit notes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(OLD) - 'state' - 'open_minor') <> (to_jsonb(NEW) - 'state' - 'open_minor') THEN
        RAISE EXCEPTION 'a finalized document never changes: corrections are credit notes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
DROP INDEX invoices_owed;
ALTER TABLE invoices
    DROP CONSTRAINT invoices_state,
    DROP CONSTRAINT invoices_open,
    DROP CONSTRAINT invoices_settled,
    DROP COLUMN written_off_minor,
    ADD CONSTRAINT invoices_state CHECK (state IN ('open', 'settled')),
    ADD CONSTRAINT invoices_open CHECK (open_minor BETWEEN 0 AND greatest(total_minor, 0)),
    ADD CONSTRAINT invoices_settled CHECK ((state = 'settled') = (open_minor = 0));
DROP TABLE one_off_payment_invoices;
DROP TABLE one_off_payments;
DROP TABLE write_off_vat;
DROP TABLE write_offs;
DROP TABLE payment_allocations;
DROP FUNCTION refuse_uneven_payment;
DROP TABLE payments;
