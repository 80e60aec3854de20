//! Enumerations that are stored and shown as short texts.
//!
//! Purpose: one macro gives such an enumeration its text form, the way back, the list of all its
//! values, and (with the `diesel` feature) its place in a text column.
//!
//! Invariants: a text stands for at most one value; an unknown text is refused with the list of
//! what would be right.

/// A text that is none of an enumeration's codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: expected one of {expected}")]
pub struct CodeRefused {
    /// The enumeration's name.
    pub kind: &'static str,
    /// What was given, cut to a printable length.
    pub text: String,
    /// The codes that exist, separated by commas.
    pub expected: String,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "diesel", derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow))]
        #[cfg_attr(feature = "diesel", diesel(sql_type = diesel::sql_types::Text))]
        pub enum $name {
            $($(#[$value_doc])* #[serde(rename = $code)] $value,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$value,)+];

            /// The code under which the value is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $code,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::code::CodeRefused;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($code => Ok(Self::$value),)+
                    other => Err($crate::code::CodeRefused {
                        kind: stringify!($name),
                        text: other.chars().take(40).collect(),
                        expected: [$($code,)+].join(", "),
                    }),
                }
            }
        }

        #[cfg(feature = "diesel")]
        $crate::sql::text_value!($name, as_str);
    };
}

pub(crate) use codes;
