-- Policies never change, so those that charge a late fee would keep their step and be unknown to every
-- binary, also after going up again.
DO $$
BEGIN
    IF EXISTS (SELECT FROM dunning_late_fees) THEN
        RAISE EXCEPTION 'cannot be undone: there are policies that charge a late fee';
    END IF;
END
$$;
DROP INDEX charges_invoice;
DROP INDEX charges_late_fee;
ALTER TABLE charges DROP CONSTRAINT charges_late_fee, DROP COLUMN late_fee_of;
DROP TABLE dunning_late_fees;
ALTER TABLE dunning_policies
    DROP CONSTRAINT dunning_policies_late_fee_product,
    DROP COLUMN late_fee_product_id;
