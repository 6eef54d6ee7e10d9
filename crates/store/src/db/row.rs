//! Rows as the nouns read them, whichever engine they came from.

use std::str::FromStr;

use cardea_model::Timestamp;
use sqlx::Row as _;

use super::error::{DbError, Source};

/// One row of an answer.
pub struct Row<'a>(pub(super) Inner<'a>);

/// The row of the engine.
pub(super) enum Inner<'a> {
    /// A row that the statement stands on.
    Sqlite(&'a rusqlite::Row<'a>),
    /// A row that has arrived.
    Postgres(&'a sqlx::postgres::PgRow),
}

/// What a row of an answer becomes.
pub trait FromRow: Sized {
    /// Reads the columns by their names.
    fn from_row(row: &Row<'_>) -> Result<Self, DbError>;
}

impl Row<'_> {
    /// The column of this name.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, DbError> {
        T::named(self, column).map_err(|source| DbError::Column { column: column.to_owned(), source })
    }

    /// The column of this name, a text that says a `T`, such as an id.
    pub fn parsed<T>(&self, column: &str) -> Result<T, DbError>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        parse(column, &self.get::<String>(column)?)
    }

    /// As [`Row::parsed`], for a column that may be NULL.
    pub fn parsed_optional<T>(&self, column: &str) -> Result<Option<T>, DbError>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.get::<Option<String>>(column)?.map(|text| parse(column, &text)).transpose()
    }
}

fn parse<T>(column: &str, text: &str) -> Result<T, DbError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse().map_err(|error| DbError::Column { column: column.to_owned(), source: Box::new(error) })
}

/// The types that a column can be read as.
pub trait Column: Sized {
    /// Reads the column of this name.
    fn named(row: &Row<'_>, column: &str) -> Result<Self, Source>;
    /// Reads the first column.
    fn first(row: &Row<'_>) -> Result<Self, Source>;
}

macro_rules! columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn named(row: &Row<'_>, column: &str) -> Result<Self, Source> {
                match row.0 {
                    Inner::Sqlite(row) => Ok(row.get(column)?),
                    Inner::Postgres(row) => Ok(row.try_get(column)?),
                }
            }

            fn first(row: &Row<'_>) -> Result<Self, Source> {
                match row.0 {
                    Inner::Sqlite(row) => Ok(row.get(0)?),
                    Inner::Postgres(row) => Ok(row.try_get(0)?),
                }
            }
        }
    )*};
}

columns!(String, i64, bool, Vec<u8>, Option<String>, Option<i64>, Option<bool>, Option<Vec<u8>>);

macro_rules! through_int {
    ($($type:ty, $int:ty, $convert:expr;)*) => {$(
        impl Column for $type {
            fn named(row: &Row<'_>, column: &str) -> Result<Self, Source> {
                <$int>::named(row, column).map($convert)
            }

            fn first(row: &Row<'_>) -> Result<Self, Source> {
                <$int>::first(row).map($convert)
            }
        }
    )*};
}

through_int! {
    Timestamp, i64, Timestamp::from_micros;
    Option<Timestamp>, Option<i64>, |micros| micros.map(Timestamp::from_micros);
}

macro_rules! single_column {
    ($($type:ty),*) => {$(
        /// The only column of the row.
        impl FromRow for $type {
            fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
                Self::first(row).map_err(|source| DbError::Column { column: "1".to_owned(), source })
            }
        }

        /// The only column of the row.
        impl FromRow for ($type,) {
            fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
                <$type>::from_row(row).map(|value| (value,))
            }
        }
    )*};
}

single_column!(String, i64, bool, Vec<u8>, Timestamp, Option<String>, Option<i64>, Option<Vec<u8>>, Option<Timestamp>);
