DROP TABLE prices;
DROP TABLE plan_versions;
DROP TABLE plans;
DROP TABLE products;
