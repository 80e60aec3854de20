DROP INDEX charges_late_fee_invoice;
DROP INDEX charges_late_fee;
ALTER TABLE charges DROP CONSTRAINT charges_late_fee, DROP COLUMN late_fee_of;
DROP TABLE dunning_late_fees;
ALTER TABLE dunning_policies
    DROP CONSTRAINT dunning_policies_late_fee,
    DROP COLUMN late_fee_product_id,
    ADD COLUMN late_fee_minor bigint,
    ADD COLUMN late_fee_currency text,
    ADD CONSTRAINT dunning_policies_late_fee CHECK (
        late_fee_minor > 0 AND (late_fee_minor IS NULL) = (late_fee_currency IS NULL));
