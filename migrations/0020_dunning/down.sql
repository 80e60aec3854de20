ALTER TABLE plans DROP COLUMN dunning_policy_id;
DROP TABLE dunning_defaults;
DROP TABLE dunning_minimums;
DROP TABLE dunning_policies;
