//! Canaries: names, numbers and birth dates, in every disguise in which they could have got into a file.

use cyberid_crypto::base64url;
use journeys::Citizen;

/// Whether `needle` stands in `bytes`.
pub(crate) fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The ways in which a text may stand in a file.
fn disguises(text: &str) -> Vec<Vec<u8>> {
    let utf8 = text.as_bytes().to_vec();
    let utf16: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let escaped: Vec<String> = utf16.iter().map(|unit| format!("\\u{unit:04x}")).collect();
    let mut all = Vec::new();
    for bytes in [&utf8, &little, &big] {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let hex = hex.concat();
        all.push(hex.to_uppercase().into_bytes());
        all.push(hex.into_bytes());
        all.extend(base64_cores(bytes));
    }
    all.extend([utf8, little, big, escaped.concat().into_bytes()]);
    all
}

/// The characters of base64, in both alphabets, that depend on nothing but these bytes, wherever they begin in a longer
/// text.
fn base64_cores(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for before in 0..3 {
        let padded = [vec![0; before], bytes.to_vec()].concat();
        let url = base64url::encode(&padded);
        let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        let core = url[first..end].to_owned();
        all.push(core.replace('-', "+").replace('_', "/").into_bytes());
        all.push(core.into_bytes());
    }
    all
}

#[test]
fn a_canary_is_found_in_every_disguise() {
    let canary = "王小明";
    let longer = format!("x{canary}yz");
    let mut seen = vec![longer.clone().into_bytes()];
    seen.push(longer.encode_utf16().flat_map(u16::to_le_bytes).collect());
    seen.push(longer.encode_utf16().flat_map(u16::to_be_bytes).collect());
    for shift in 0..3 {
        let shifted = format!("{}{canary}, {canary}", "a".repeat(shift));
        seen.push(base64url::encode(shifted.as_bytes()).into_bytes());
    }
    seen.push(b"E78E8BE5B08FE6988E".to_vec());
    seen.push(b"\\u738b\\u5c0f\\u660e".to_vec());
    for bytes in seen {
        let found = disguises(canary).iter().any(|needle| holds(&bytes, needle));
        assert!(found, "{}", String::from_utf8_lossy(&bytes));
    }
    assert!(
        !disguises(canary)
            .iter()
            .any(|needle| holds("王小红".as_bytes(), needle))
    );
}

/// What must stand nowhere.
pub(crate) fn canaries(citizens: &[&Citizen]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for Citizen { person, .. } in citizens {
        let birth = &person.birth_date;
        for text in [
            person.document.name.clone(),
            person.document.number.clone(),
            birth.clone(),
            birth.replace('-', ""),
        ] {
            let needles = disguises(&text).into_iter();
            all.extend(needles.map(|needle| (text.clone(), needle)));
        }
    }
    all
}
