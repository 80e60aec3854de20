ALTER TABLE prices
    -- What a whole period costs at least, in minor units of the price's currency.
    ADD COLUMN minimum_minor bigint,
    -- What counts the quantity; null where the quantity is agreed.
    ADD COLUMN meter_id uuid,
    ADD CONSTRAINT prices_model CHECK (model ->> 'kind' IN
        ('flat', 'per_unit', 'graduated', 'volume', 'package', 'percentage')),
    ADD CONSTRAINT prices_minimum CHECK (minimum_minor >= 0),
    -- A flat price counts nothing; a percentage is of an amount that is measured.
    ADD CONSTRAINT prices_meter CHECK (CASE model ->> 'kind'
        WHEN 'flat' THEN meter_id IS NULL
        WHEN 'percentage' THEN meter_id IS NOT NULL
        ELSE true END);
