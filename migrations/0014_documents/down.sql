ALTER TABLE invoices DROP COLUMN reason;
DROP INDEX invoice_lines_corrections;
ALTER TABLE invoice_lines DROP CONSTRAINT invoice_lines_of_charge;
DROP TABLE charges;
