//! The measurements, small: that they run, tell their figures, and leave nothing behind.

#![allow(clippy::unwrap_used)] // Helpers of tests; a failure is a failed test.

use std::process::Command;

#[test]
fn usage_is_measured_on_a_private_database_that_is_removed() {
    let data = tempfile::tempdir().unwrap();
    let mut bench = Command::new(env!("CARGO_BIN_EXE_recoup"));
    bench.args(["bench", "usage", "--events", "2500", "--customers", "5", "--json"]);
    // The database of the flags is not used.
    bench.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing").env_remove("RECOUP_LOG");
    let output = bench.arg("--data").arg(data.path()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    let shown = String::from_utf8(output.stdout).unwrap();
    let figures: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(figures["events"], 2_500, "{shown}");
    assert_eq!(figures["duplicates"], 1_000, "one chunk in five is sent again: {shown}");
    assert_eq!(figures["totals_in_one_statement"], 20, "{shown}");
    assert_eq!(figures["settings"], "fsync on, synchronous_commit on", "{shown}");
    assert!(figures["events_per_second"].as_u64().unwrap() > 0, "{shown}");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "nothing is left behind");
}
