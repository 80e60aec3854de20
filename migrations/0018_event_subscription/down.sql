DROP INDEX events_subscription;
