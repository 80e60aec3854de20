DROP TABLE customers;
DROP TABLE vat_rates;
DROP TABLE answered_requests;
DROP TABLE api_keys;
DROP TABLE organizations;
DROP TABLE organization_directory;
