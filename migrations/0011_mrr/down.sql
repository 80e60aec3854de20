DROP TABLE mrr_segments;
