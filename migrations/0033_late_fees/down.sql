-- Policies that charge a late fee keep their step: the older binary does not know them. Choose others
-- before.
DROP INDEX charges_invoice;
DROP INDEX charges_late_fee;
ALTER TABLE charges DROP CONSTRAINT charges_late_fee, DROP COLUMN late_fee_of;
DROP TABLE dunning_late_fees;
ALTER TABLE dunning_policies
    DROP CONSTRAINT dunning_policies_late_fee_product,
    DROP COLUMN late_fee_product_id;
