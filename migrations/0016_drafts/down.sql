ALTER TABLE charges
    DROP CONSTRAINT charges_invoice,
    DROP CONSTRAINT charges_state,
    DROP CONSTRAINT charges_draft,
    DROP COLUMN draft_id;
ALTER TABLE charges
    ADD CONSTRAINT charges_state CHECK (state IN ('waiting', 'billed', 'removed')),
    ADD CONSTRAINT charges_invoice CHECK (
        CASE state WHEN 'billed' THEN invoice_id IS NOT NULL OR net_minor = 0
                   ELSE invoice_id IS NULL END);
DROP TABLE draft_lines;
DROP TABLE drafts;
ALTER TABLE organizations DROP COLUMN draft_grace_days;
