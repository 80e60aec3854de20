DROP TABLE jobs;
DROP TABLE set_asides;
