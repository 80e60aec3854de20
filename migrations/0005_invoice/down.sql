DROP TABLE deferrals;
DROP TABLE document_numbers;
DROP TABLE number_series;
DROP TABLE invoice_vat;
DROP TABLE invoice_lines;
DROP TABLE invoices;
DROP FUNCTION refuse_change_of_document();
