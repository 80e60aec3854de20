ALTER TABLE prices
    DROP CONSTRAINT prices_meter,
    DROP CONSTRAINT prices_minimum,
    DROP CONSTRAINT prices_model,
    DROP COLUMN meter_id,
    DROP COLUMN minimum_minor;
