DROP TABLE usage_periods;
DROP TABLE usage_events;
DROP TABLE meters;
