use super::*;

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn seal(digit: &str, old: &[&str]) -> Seal {
    let old: Vec<_> = old.iter().map(|digit| secret(&digit.repeat(64))).collect();
    Seal::new(&secret(&digit.repeat(64)), &old).unwrap()
}

const ORG: OrgId = OrgId(Uuid::from_u128(1));
const HERE: Place = Place { org: ORG, row: Uuid::from_u128(2), field: "iban" };
const NUMBER: &str = "NL91ABNA0417164300";

#[test]
fn what_is_sealed_opens_in_its_place_only() {
    let seal = seal("a", &[]);
    let sealed = seal.seal(HERE, &secret(NUMBER)).unwrap();
    assert_eq!(seal.open(HERE, &sealed).unwrap().expose_secret(), NUMBER);
    for elsewhere in [
        Place { org: OrgId(Uuid::from_u128(9)), ..HERE },
        Place { row: Uuid::from_u128(9), ..HERE },
        Place { field: "token", ..HERE },
    ] {
        let refused = seal.open(elsewhere, &sealed).unwrap_err().chain();
        assert!(refused.contains("does not open"), "{refused}");
    }
}

#[test]
fn changed_bytes_do_not_open() {
    let seal = seal("a", &[]);
    let sealed = seal.seal(HERE, &secret(NUMBER)).unwrap();
    for at in 0..sealed.bytes.len() {
        let mut changed = sealed.clone();
        changed.bytes[at] ^= 1;
        assert!(seal.open(HERE, &changed).is_err(), "byte {at}");
        changed.bytes.truncate(at);
        assert!(seal.open(HERE, &changed).is_err(), "{at} bytes");
    }
}

#[test]
fn another_key_reads_nothing_and_a_replaced_one_still_reads() {
    let old = seal("a", &[]);
    let sealed = old.seal(HERE, &secret(NUMBER)).unwrap();
    let refused = seal("b", &[]).open(HERE, &sealed).unwrap_err().chain();
    assert!(refused.contains(old.key_id()) && !refused.contains(NUMBER), "{refused}");
    // Even where the id is forged.
    let forged = Sealed { key_id: seal("b", &[]).key_id().to_owned(), ..sealed.clone() };
    assert!(seal("b", &[]).open(HERE, &forged).is_err());
    let new = seal("b", &["a"]);
    assert_eq!(new.open(HERE, &sealed).unwrap().expose_secret(), NUMBER);
    assert_eq!(new.seal(HERE, &secret(NUMBER)).unwrap().key_id, new.key_id());
    assert!(new.fingerprints(ORG, "iban", &secret(NUMBER)).contains(&sealed.fingerprint));
}

#[test]
fn equal_texts_differ_sealed_and_are_recognized_within_their_kind_and_organization() {
    let seal = seal("a", &[]);
    let other_row = Place { row: Uuid::from_u128(3), ..HERE };
    let (one, two) =
        (seal.seal(HERE, &secret(NUMBER)).unwrap(), seal.seal(other_row, &secret(NUMBER)).unwrap());
    assert_ne!(one.bytes, two.bytes);
    assert_ne!(one.bytes, seal.seal(HERE, &secret(NUMBER)).unwrap().bytes);
    assert_eq!(one.fingerprint, two.fingerprint);
    let other_org = OrgId(Uuid::from_u128(9));
    for (org, field, text) in
        [(ORG, "iban", "NL91ABNA0417164301"), (ORG, "token", NUMBER), (other_org, "iban", NUMBER)]
    {
        let fingerprints = seal.fingerprints(org, field, &secret(text));
        assert_ne!(fingerprints, std::slice::from_ref(&one.fingerprint), "{org} {field} {text}");
    }
}

#[test]
fn nothing_is_shown_of_keys_texts_and_hashes() {
    let text = "0123456789abcdef".repeat(4);
    let seal = Seal::new(&secret(&text), &[]).unwrap();
    let sealed = seal.seal(HERE, &secret(NUMBER)).unwrap();
    let shown = format!("{seal:?} {sealed:?}");
    assert_eq!(shown.matches(seal.key_id()).count(), 2, "{shown}");
    assert!(!shown.contains(&text[..8]) && !shown.contains(NUMBER), "{shown}");
    assert!(!shown.contains(&format!("{:?}", sealed.fingerprint)), "{shown}");
}

#[test]
fn a_key_has_64_hexadecimal_digits() {
    assert!(Seal::new(&fresh_key().unwrap(), &[]).is_ok());
    assert!(Seal::new(&secret(&format!("{}\n", "Ab".repeat(32))), &[]).is_ok());
    for wrong in ["", "a", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
        let refused = Seal::new(&secret(wrong), &[]).unwrap_err().to_string();
        assert_eq!(refused, "not a key (its text is not repeated): expected 64 hexadecimal digits");
    }
    let known = seal("a", &[]);
    assert_eq!(known.key_id().len(), 16);
    assert_ne!(known.key_id(), seal("b", &[]).key_id());
}
