-- What a policy charges for paying late: a product, and an amount per currency. late_fee_minor and
-- late_fee_currency are always null, because such policies were refused; older binaries read them, so
-- they go with a later release.
ALTER TABLE dunning_policies
    ADD COLUMN late_fee_product_id uuid,
    ADD CONSTRAINT dunning_policies_late_fee_product
        FOREIGN KEY (org_id, late_fee_product_id) REFERENCES products (org_id, id);

CREATE TABLE dunning_late_fees (
    org_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (org_id, policy_id, currency),
    FOREIGN KEY (org_id, policy_id) REFERENCES dunning_policies,
    CONSTRAINT dunning_late_fees_amount CHECK (amount_minor > 0)
);
CALL isolate('dunning_late_fees', 'SELECT, INSERT');
CALL freeze('dunning_late_fees');

-- The invoice for which the charge is a late fee: one of an invoice.
ALTER TABLE charges
    ADD COLUMN late_fee_of uuid,
    ADD CONSTRAINT charges_late_fee FOREIGN KEY (org_id, late_fee_of) REFERENCES invoices (org_id, id);
CREATE UNIQUE INDEX charges_late_fee ON charges (org_id, late_fee_of)
    WHERE late_fee_of IS NOT NULL;
-- The one-off charges that an invoice bills.
CREATE INDEX charges_invoice ON charges (org_id, invoice_id) WHERE invoice_id IS NOT NULL;
