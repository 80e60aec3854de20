DROP TABLE decisions;
DROP TABLE strikes;
