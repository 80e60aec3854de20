//! Field masks: which facts an update changes.
//!
//! Purpose: the names in a mask become changes that are read and checked before a transaction is
//! opened, and applied to the facts as they are inside it.
//!
//! Invariants: a name that is not listed is refused with the list; wildcards and parts of messages
//! are no names.

use prost_types::FieldMask;

use crate::field::{self, At, Refused, Result};

/// A change of one fact.
pub(crate) type Change<F> = Box<dyn FnOnce(&mut F) + Send>;

/// The change that puts `value` in a place.
pub(crate) fn set<F, T: Send + 'static>(value: T, place: fn(&mut F) -> &mut T) -> Change<F>
where
    F: 'static,
{
    Box::new(move |facts| *place(facts) = value)
}

/// Reads the changes that a mask names. `read` knows the names of `changeable`, all fields of the
/// message `of`.
pub(crate) fn changes<F>(
    mask: Option<FieldMask>,
    of: &str,
    changeable: &[&str],
    read: impl Fn(&str) -> Result<Option<Change<F>>>,
) -> Result<Vec<Change<F>>> {
    let names = field::required(mask).at("update_mask")?.paths;
    if names.is_empty() {
        return Err(Refused::new("no field is named: expected at least one")).at("update_mask");
    }
    names
        .iter()
        .map(|name| match read(name).at(name).at(of)? {
            Some(change) => Ok(change),
            None => Err(unknown(name, changeable)).at("update_mask"),
        })
        .collect()
}

fn unknown(name: &str, changeable: &[&str]) -> Refused {
    let name: String = name.chars().take(60).collect();
    let expected = changeable.join(", ");
    Refused::new(format!("{name:?} cannot be changed: expected one or more of {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Result<Option<Change<Vec<u8>>>> {
        match name {
            "whole" => Ok(Some(set(vec![1], |facts| facts))),
            "wrong" => Err(Refused::new("is wrong")),
            _ => Ok(None),
        }
    }

    fn refusal(names: &[&str]) -> String {
        let mask = FieldMask { paths: names.iter().map(|name| (*name).to_owned()).collect() };
        let refused = changes(Some(mask), "thing", &["whole", "wrong"], read).err().unwrap();
        app::Error::from(refused).to_string()
    }

    #[test]
    fn a_mask_names_listed_fields() {
        let mask = FieldMask { paths: vec!["whole".to_owned()] };
        let mut facts = vec![];
        for change in changes(Some(mask), "thing", &["whole"], read).unwrap() {
            change(&mut facts);
        }
        assert_eq!(facts, [1]);
        assert_eq!(refusal(&[]), "update_mask: no field is named: expected at least one");
        assert_eq!(refusal(&["wrong"]), "thing.wrong: is wrong");
        assert_eq!(
            refusal(&["whole", "*"]),
            "update_mask: \"*\" cannot be changed: expected one or more of whole, wrong"
        );
        assert!(changes(None, "thing", &[], read).is_err());
    }
}
