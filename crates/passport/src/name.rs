//! Whether a stated name is that of a machine-readable zone (part 3, sections 4.6 and 6): Latin letters without marks, the
//! primary identifier, two fillers, the secondary ones.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Whether `stated` is the name of the zone's field: its letters, whichever of the two parts stands first.
///
/// A name that is not in Latin letters is not compared, and so is not the same: a passport's name is stated as the zone has it.
pub(crate) fn is_same(field: &str, stated: &str) -> bool {
    let (primary, secondary) = field.split_once("<<").unwrap_or((field, ""));
    let [primary, secondary] = [primary, secondary].map(|part| part.replace('<', ""));
    // A field that is full may be cut off: the rest of the name is not in it.
    let cut = !field.ends_with('<');
    [plain(stated, false), plain(stated, true)]
        .into_iter()
        .flatten()
        .any(|stated| {
            let in_order = [primary.as_str(), &secondary].concat();
            stated == in_order
                || stated == [secondary.as_str(), &primary].concat()
                || (cut && stated.starts_with(&in_order))
        })
}

/// The letters of a name as a zone writes them; `long` is for the states that write marked vowels as two (part 3, section 6).
fn plain(name: &str, long: bool) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    for character in name.nfc().flat_map(char::to_uppercase) {
        match character {
            ' ' | '-' | '\'' | '’' | ',' | '.' => {}
            'A'..='Z' => plain.push(character),
            _ => plain.push_str(&letters(character, long)?),
        }
    }
    (!plain.is_empty()).then_some(plain)
}

fn letters(character: char, long: bool) -> Option<String> {
    let written = match (character, long) {
        ('Ä', true) | ('Æ', _) => "AE",
        ('Ö' | 'Ø', true) | ('Œ', _) => "OE",
        ('Ü', true) => "UE",
        ('Å', true) => "AA",
        ('Ø', false) => "O",
        ('Þ', _) => "TH",
        ('Đ' | 'Ð', _) => "D",
        ('Ł', _) => "L",
        ('Ħ', _) => "H",
        ('Ŧ', _) => "T",
        ('ẞ', _) => "SS",
        _ => return without_marks(character),
    };
    Some(written.to_owned())
}

fn without_marks(character: char) -> Option<String> {
    let bare: String = character.nfd().filter(|part| !is_combining_mark(*part)).collect();
    bare.chars().all(|part| part.is_ascii_uppercase()).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_either_order_and_spelling() {
        for (field, stated) in [
            ("ERIKSSON<<ANNA<MARIA<<<<<<<<<<", "ANNA MARIA ERIKSSON"),
            ("ERIKSSON<<ANNA<MARIA<<<<<<<<<<", "Eriksson, Anna Maria"),
            ("MUELLER<<JUERGEN<<<<<<<<<<<<<<", "Jürgen Müller"),
            ("MULLER<<JURGEN<<<<<<<<<<<<<<<<", "Jürgen Müller"),
            ("OCONNOR<<SIOBHAN<<<<<<<<<<<<<<", "Siobhán O'Connor"),
            ("SMITH<JONES<<SUSIE<MARGARET<<<", "Susie Margaret Smith-Jones"),
            ("STRASSE<<ZOE<<<<<<<<<<<<<<<<<<", "Zoë Straße"),
            ("SUKARNO<<<<<<<<<<<<<<<<<<<<<<<", "Sukarno"),
            (
                "PAPANDROPOULOUS<<JONATHON<ALEC",
                "Papandropoulous Jonathon Alec Xavier",
            ),
        ] {
            assert!(is_same(field, stated), "{field} {stated}");
        }
    }

    #[test]
    fn another_name_is_not_the_same() {
        for (field, stated) in [
            ("ERIKSSON<<ANNA<MARIA<<<<<<<<<<", "ANNA ERIKSSON"),
            ("ERIKSSON<<ANNA<MARIA<<<<<<<<<<", ""),
            ("ERIKSSON<<ANNA<MARIA<<<<<<<<<<", "ANNA MARIA ERIKSSON X"),
            ("WANG<<WEI<<<<<<<<<<<<<<<<<<<<<", "王伟"),
            ("<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<", ""),
            ("PAPANDROPOULOUS<<JONATHON<ALEC", "Papandropoulous"),
        ] {
            assert!(!is_same(field, stated), "{field} {stated}");
        }
    }
}
