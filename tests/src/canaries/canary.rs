//! What is somebody's own and belongs in no file and no memory of the platform.

use serde::Serialize;

use crate::people::Person;

/// Which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The full name.
    Name,
    /// The number of the document.
    Number,
    /// The date of birth, in one of its forms.
    BirthDate,
    /// The PIN.
    Pin,
}

/// One text that is somebody's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Canary {
    /// Whose, counted from 0.
    pub(super) person: usize,
    pub(super) kind: Kind,
    pub(super) text: String,
}

impl Canary {
    /// Everything that is this person's own.
    pub(super) fn of(person: usize, shown: &Person, pin: &str) -> Vec<Self> {
        let canary = |kind, text: &str| Self {
            person,
            kind,
            text: text.to_owned(),
        };
        let mut own = vec![
            canary(Kind::Name, &shown.document.name),
            canary(Kind::Number, &shown.document.number),
            canary(Kind::Pin, pin),
        ];
        own.extend(
            date_forms(&shown.birth_date)
                .iter()
                .map(|form| canary(Kind::BirthDate, form)),
        );
        own
    }

    /// Whether it is so many digits and nothing else that it stands by chance in a longer number or a hash: then it counts
    /// only where no letter or digit stands beside it.
    pub(super) fn needs_room(&self) -> bool {
        self.text.len() < 12 && self.text.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// The forms in which a date `YYYY-MM-DD` is written.
fn date_forms(date: &str) -> [String; 4] {
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else {
        panic!("no date: {date}")
    };
    let short = |part: &str| part.trim_start_matches('0').to_owned();
    [
        date.to_owned(),
        format!("{year}{month}{day}"),
        format!("{year}/{month}/{day}"),
        format!("{year}年{}月{}日", short(month), short(day)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_in_four_ways() {
        let forms = ["1990-03-04", "19900304", "1990/03/04", "1990年3月4日"];
        assert_eq!(date_forms("1990-03-04"), forms);
    }
}
