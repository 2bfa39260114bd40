//! Values between the house's types and SQLite's.

use std::str::FromStr;

use cyberid_domain::UnixTime;

use crate::fault::{Answer, Fault};

/// A moment as a column holds it; what is later than any date is the last.
pub(crate) fn seconds(moment: UnixTime) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}

/// A moment of a column.
pub(crate) fn moment(seconds: i64) -> Answer<UnixTime> {
    count(seconds, "time").map(UnixTime)
}

/// A number as a column holds it.
pub(crate) fn integer(number: u64) -> Answer<i64> {
    i64::try_from(number).map_err(|error| Fault::Sql(sqlx::Error::Encode(Box::new(error))))
}

/// A number of a column.
pub(crate) fn count(number: i64, what: &'static str) -> Answer<u64> {
    u64::try_from(number).map_err(|_| Fault::Corrupt(what))
}

/// Bytes of a known length.
pub(crate) fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Answer<[u8; N]> {
    bytes.try_into().map_err(|_| Fault::Corrupt(what))
}

/// A text with a form.
pub(crate) fn parsed<T: FromStr>(text: &str, what: &'static str) -> Answer<T> {
    text.parse().map_err(|_| Fault::Corrupt(what))
}

/// A list as a column holds it: a JSON array of names.
pub(crate) fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names = names.into_iter().map(|name| name.as_ref().into());
    serde_json::Value::Array(names.collect()).to_string()
}

/// A list of a column.
pub(crate) fn listed<T>(text: &str, what: &'static str, read: impl Fn(&str) -> Option<T>) -> Answer<Vec<T>> {
    let texts: Vec<String> = serde_json::from_str(text).map_err(|_| Fault::Corrupt(what))?;
    let items: Option<Vec<T>> = texts.iter().map(|text| read(text)).collect();
    items.ok_or(Fault::Corrupt(what))
}
