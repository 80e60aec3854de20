DROP INDEX subscriptions_plan;
DROP TABLE plan_migration_results;
DROP TABLE plan_migrations;
