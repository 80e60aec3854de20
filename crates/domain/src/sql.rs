//! How value types stand in PostgreSQL columns.
//!
//! Purpose: the SQL traits of ids, currencies and enumerations. Only built with the `diesel`
//! feature, which brings the type system of PostgreSQL and no connection.

/// SQL traits of an id over `Uuid`.
macro_rules! uuid_id {
    ($name:ident) => {
        const _: () = {
            use diesel::deserialize::{self, FromSql};
            use diesel::pg::{Pg, PgValue};
            use diesel::serialize::{self, Output, ToSql};
            use diesel::sql_types::Uuid as SqlUuid;

            impl FromSql<SqlUuid, Pg> for $name {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    <uuid::Uuid as FromSql<SqlUuid, Pg>>::from_sql(value).map(Self)
                }
            }

            impl ToSql<SqlUuid, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    <uuid::Uuid as ToSql<SqlUuid, Pg>>::to_sql(&self.0, out)
                }
            }
        };
    };
}

pub(crate) use uuid_id;

/// SQL traits of a value with a text form and `FromStr`, kept as text.
macro_rules! text_value {
    ($name:ty, $as_str:ident) => {
        const _: () = {
            use diesel::deserialize::{self, FromSql};
            use diesel::pg::{Pg, PgValue};
            use diesel::serialize::{self, Output, ToSql};
            use diesel::sql_types::Text;

            impl FromSql<Text, Pg> for $name {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    let text = <String as FromSql<Text, Pg>>::from_sql(value)?;
                    text.parse().map_err(|refused| Box::from(format!("{refused}")))
                }
            }

            impl ToSql<Text, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    <str as ToSql<Text, Pg>>::to_sql(self.$as_str(), out)
                }
            }
        };
    };
}

pub(crate) use text_value;
