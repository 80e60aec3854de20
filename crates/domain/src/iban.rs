//! Bank accounts by their international number (IBAN, ISO 13616).
//!
//! Purpose: the one check of an account number: its country's length and form, and the check number
//! (mod 97); its masked form, and whether its country takes part in SEPA.
//!
//! Invariants: a value of [`Iban`] is right and compact. Neither `Debug` nor a refusal repeats the
//! number; who needs it says so with [`Iban::reveal`].
//!
//! Deliberately absent: whether the account exists, its bank's BIC (within SEPA nobody asks for it).

use std::fmt;
use std::str::FromStr;

/// The longest text that is read as a number: the longest IBAN has 34 characters, in groups of four
/// with spaces between them.
const MAX_GIVEN: usize = 64;

/// How many characters at the end are shown.
const SHOWN: usize = 4;

/// Countries and territories whose accounts can be debited by SEPA direct debit (European Payments
/// Council, list of SEPA scheme countries), by the first two letters of their IBANs.
const SEPA: [&str; 42] = [
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI",
    "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL",
    "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
];

/// Why a text is not an IBAN. The text is not repeated: it may be somebody's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IBAN: the country, the length or the check number is wrong")]
pub struct IbanRefused;

/// The number of a bank account, right by its form.
#[derive(Clone, PartialEq, Eq)]
pub struct Iban(String);

impl Iban {
    /// The number in its compact form.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// ISO 3166-1 alpha-2 code of the bank's country.
    #[must_use]
    pub fn country(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    /// Whether the account can be debited by SEPA direct debit.
    #[must_use]
    pub fn is_sepa(&self) -> bool {
        SEPA.contains(&self.country())
    }

    /// The country and the last four characters, as long as the number: `NL** **** **** **43 00`.
    #[must_use]
    pub fn masked(&self) -> String {
        let hidden_until = self.0.len().saturating_sub(SHOWN);
        let mut text = String::new();
        for (at, c) in self.0.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push(' ');
            }
            text.push(if at < 2 || at >= hidden_until { c } else { '*' });
        }
        text
    }
}

impl FromStr for Iban {
    type Err = IbanRefused;

    /// Spaces between groups and small letters are accepted.
    fn from_str(text: &str) -> Result<Self, IbanRefused> {
        if text.len() > MAX_GIVEN || !text.is_ascii() {
            return Err(IbanRefused);
        }
        let compact: String =
            text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
        match compact.parse::<iban::Iban>() {
            Ok(_) => Ok(Self(compact)),
            Err(_) => Err(IbanRefused),
        }
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iban({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example numbers of every SEPA country, from the published IBAN registry, with their length.
    const EXAMPLES: &str = "
        AD1200012030200359100100 24
        AL47212110090000000235698741 28
        AT611904300234573201 20
        BE68539007547034 16
        BG80BNBG96611020345678 22
        CH9300762011623852957 21
        CY17002001280000001200527600 28
        CZ6508000000192000145399 24
        DE89370400440532013000 22
        DK5000400440116243 18
        EE382200221020145685 20
        ES9121000418450200051332 24
        FI2112345600000785 18
        FR1420041010050500013M02606 27
        GB29NWBK60161331926819 22
        GI75NWBK000000007099453 23
        GR1601101250000000012300695 27
        HR1210010051863000160 21
        HU42117730161111101800000000 28
        IE29AIBK93115212345678 22
        IS140159260076545510730339 26
        IT60X0542811101000000123456 27
        LI21088100002324013AA 21
        LT121000011101001000 20
        LU280019400644750000 20
        LV80BANK0000435195001 21
        MC5811222000010123456789030 27
        MD24AG000225100013104168 24
        ME25505000012345678951 22
        MK07250120000058984 19
        MT84MALT011000012345MTLCAST001S 31
        NL91ABNA0417164300 18
        NO9386011117947 15
        PL61109010140000071219812874 28
        PT50000201231234567890154 25
        RO49AAAA1B31007593840000 24
        RS35260005601001611379 22
        SE4550000000058398257466 24
        SI56263300012039086 19
        SK3112000000198742637541 24
        SM86U0322509800000000270100 27
        VA59001123000012345678 22
    ";

    fn examples() -> impl Iterator<Item = (&'static str, usize)> {
        EXAMPLES.lines().filter_map(|line| {
            let (number, length) = line.trim().split_once(' ')?;
            Some((number, length.parse().unwrap()))
        })
    }

    #[test]
    fn every_sepa_country_has_its_length_and_check_number() {
        let mut countries = Vec::new();
        for (number, length) in examples() {
            let iban: Iban = number.parse().unwrap_or_else(|_| panic!("{number}"));
            assert_eq!(number.len(), length, "{number}");
            assert!(iban.is_sepa(), "{number}");
            countries.push(iban.country().to_owned());
            let shorter = &number[..length - 1];
            assert_eq!(shorter.parse::<Iban>(), Err(IbanRefused), "{shorter}");
            assert_eq!(format!("{number}0").parse::<Iban>(), Err(IbanRefused), "{number}0");
        }
        assert_eq!(countries, SEPA);
    }

    #[test]
    fn one_wrong_digit_is_seen() {
        for (number, _) in examples() {
            for at in 2..number.len() {
                let mut wrong = number.as_bytes().to_vec();
                if wrong[at].is_ascii_digit() {
                    wrong[at] = b'0' + (wrong[at] - b'0' + 1) % 10;
                    let wrong = String::from_utf8(wrong).unwrap();
                    assert_eq!(wrong.parse::<Iban>(), Err(IbanRefused), "{wrong}");
                }
            }
        }
    }

    #[test]
    fn what_is_accepted_and_how_it_is_shown() {
        let table = [
            ("NL91ABNA0417164300", "NL91ABNA0417164300", "NL** **** **** **43 00"),
            ("nl91 abna 0417 1643 00", "NL91ABNA0417164300", "NL** **** **** **43 00"),
            ("BE68 5390 0754 7034", "BE68539007547034", "BE** **** **** 7034"),
        ];
        for (given, compact, masked) in table {
            let iban: Iban = given.parse().unwrap();
            assert_eq!((iban.reveal(), iban.masked().as_str()), (compact, masked), "{given}");
            assert_eq!(format!("{iban:?}"), format!("Iban({masked})"));
        }
        let long = "NL91ABNA0417164300".repeat(4);
        for wrong in
            ["", "NL", "NL91-ABNA-0417-1643-00", "NL91ABNÄ0417164300", "XX91ABNA0417164300", &long]
        {
            let refused = wrong.parse::<Iban>().unwrap_err();
            assert!(wrong.is_empty() || !refused.to_string().contains(wrong) || wrong == "NL");
        }
    }

    #[test]
    fn accounts_elsewhere_cannot_be_debited() {
        let iban: Iban = "SA0380000000608010167519".parse().unwrap();
        assert!(!iban.is_sepa());
    }
}
