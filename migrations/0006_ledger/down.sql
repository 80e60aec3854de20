DROP TABLE ledger_proofs;
DROP TABLE postings;
DROP FUNCTION refuse_unbalanced();
DROP TABLE journal_entries;
