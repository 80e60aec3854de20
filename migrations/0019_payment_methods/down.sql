DROP TABLE payment_methods;
DROP FUNCTION refuse_change_of_payment_method();
DROP TABLE seal_keys;
