//! The table of reasons: whole, consistent, and right for the codes that a bookkeeper meets.

use super::*;

/// scheme, codes, class, retries, new details, ends the mandate, strikes.
const TABLE_OF_REASONS: &str = "
direct_debit  | AC01 AC03 AC13 AG01 RC01 CNOR DNOR | wrong_details | 0 | yes | no  | 0
direct_debit  | AC04                               | wrong_details | 0 | yes | yes | 0
direct_debit  | AC06 SL01 SL11 SL12 SL13 SL14      | paused        | 0 | no  | no  | 0
direct_debit  | AM04 MS03                          | no_money      | 2 | no  | no  | 0
direct_debit  | MS02 MD06                          | objection     | 0 | no  | no  | 2
direct_debit  | MD01                               | objection     | 0 | yes | yes | 2
direct_debit  | MD07                               | compliance    | 0 | no  | yes | 0
direct_debit  | RR01 RR02 RR03 RR04                | compliance    | 0 | no  | no  | 0
direct_debit  | ED05 TECH TM01                     | technical     | 1 | no  | no  | 0
direct_debit  | FF01 FF05 BE05 AM05 AG02 MD02      | our_fault     | 0 | no  | no  | 0
bank_transfer | AC01 AG01                          | wrong_details | 0 | yes | no  | 0
direct_debit  | XX99 NARR 51 do_not_honor          | unknown       | 1 | no  | no  | 0
card          | incorrect_number expired_card 54   | wrong_details | 0 | yes | no  | 0
card          | lost_card stolen_card 41 43        | wrong_details | 0 | yes | no  | 0
card          | insufficient_funds 51 61 65        | no_money      | 4 | no  | no  | 0
card          | do_not_honor fraudulent 05 59      | objection     | 0 | yes | no  | 0
card          | revocation_of_authorization R1     | objection     | 0 | yes | yes | 2
card          | processing_error 91 96             | technical     | 1 | no  | no  | 0
card          | try_again_later                    | technical     | 1 | no  | no  | 0
card          | invalid_amount 13 30               | our_fault     | 0 | no  | no  | 0
card          | generic_decline moon_phase AM04    | unknown       | 1 | no  | no  | 0
";

#[test]
fn codes_mean_what_the_table_says() {
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    for line in TABLE_OF_REASONS.trim().lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let scheme: Scheme = cells[0].parse().unwrap();
        for code in cells[1].split(' ') {
            let r = reason(scheme, code);
            let (retries, strikes) = (r.retries.to_string(), r.strikes.to_string());
            let ours =
                [r.class.as_str(), &retries, yes(r.new_details), yes(r.ends_mandate), &strikes];
            assert_eq!(ours, cells[2..], "{scheme} {code}");
        }
    }
}

#[test]
fn the_files_are_whole() {
    let table = table(REASONS, TEXTS).unwrap();
    assert_eq!(table.len(), content(REASONS).count() - 2);
    assert_eq!(codes(Scheme::Card).len() + codes(Scheme::DirectDebit).len(), table.len());
    for line in content(TEXTS).skip(1) {
        let key = line.split('\t').next().unwrap();
        let named = content(REASONS).any(|row| row.split('\t').nth(8) == Some(key));
        assert!(named, "no reason names the text {key}");
    }
}

#[test]
fn every_row_agrees_with_its_class() {
    for scheme in Scheme::ALL.iter().copied() {
        for code in codes(scheme) {
            let r = reason(scheme, code);
            assert!(r.known, "{scheme} {code}");
            assert!(!r.meaning.is_empty() && !r.text_nl.is_empty() && !r.text_en.is_empty());
            assert_eq!(r.retries > 0, r.class.may_retry(), "{scheme} {code}");
            assert_eq!(r.gap_days > 0, r.retries > 0, "{scheme} {code}");
            let most = if scheme == Scheme::Card { 4 } else { 2 };
            assert!(r.retries <= most, "{scheme} {code}");
            if r.class == FailureClass::WrongDetails {
                assert!(r.new_details, "{scheme} {code}");
            }
            assert!(r.strikes == 0 || r.class == FailureClass::Objection, "{scheme} {code}");
            let never_ends = [FailureClass::NoMoney, FailureClass::Technical];
            assert!(!(r.ends_mandate && never_ends.contains(&r.class)), "{scheme} {code}");
        }
    }
}

#[test]
fn case_and_blanks_do_not_matter_and_no_text_breaks_it() {
    assert_eq!(reason(Scheme::DirectDebit, " am04\n"), reason(Scheme::DirectDebit, "AM04"));
    assert_eq!(reason(Scheme::Card, "DO_NOT_HONOR").class, FailureClass::Objection);
    let long = "x".repeat(5_000);
    for odd in ["", " ", "AM04 ", "é", "AM\t04", "\0", &long] {
        let known = odd.trim() == "AM04";
        assert_eq!(reason(Scheme::DirectDebit, odd).known, known, "{odd:.10}");
    }
}

#[test]
fn a_row_that_is_wrong_is_refused() {
    let head = "version\t1\nhead\n";
    let texts = "head\nno_money\tnl\ten";
    let with = |row: &str| {
        let file: &'static str = Box::leak(format!("{head}{row}").into_boxed_str());
        table(file, texts)
    };
    let right = "card\t51\tno_money\t4\t1\tno\tno\t0\tno_money\tshort";
    assert!(with(right).is_ok());
    for (from, to) in [
        ("card", "cash"),
        ("51", ""),
        ("\tno_money\t4", "\tbroke\t4"),
        ("\t4\t", "\tfour\t"),
        ("\tno\tno", "\tno\tmaybe"),
        ("\t0\tno_money", "\t0\tlost"),
        ("\tshort", ""),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert!(with(&wrong).is_err(), "{wrong}");
    }
    assert!(with(&format!("{right}\n{right}")).unwrap_err().contains("twice"));
    assert!(table("version\t2\nhead", texts).is_err());
}
