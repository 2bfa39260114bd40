//! The BER-TLV of the chip's files (ISO/IEC 7816-4, part 10): one object, whole, and nothing after it.

/// What stands in `bytes` under this tag, which is all there is: lengths definite and as short as can be.
pub(crate) fn exactly<'a>(bytes: &'a [u8], tag: &[u8]) -> Option<&'a [u8]> {
    let (length, rest) = length(bytes.strip_prefix(tag)?)?;
    (rest.len() == length).then_some(rest)
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, least, rest) = match bytes {
        [short @ 0..=0x7F, rest @ ..] => ([0, 0, *short], 0, rest),
        [0x81, low, rest @ ..] => ([0, 0, *low], 0x80, rest),
        [0x82, high, low, rest @ ..] => ([0, *high, *low], 0x100, rest),
        [0x83, high, middle, low, rest @ ..] => ([*high, *middle, *low], 0x1_0000, rest),
        _ => return None,
    };
    let [high, middle, low] = value;
    let value = u32::from_be_bytes([0, high, middle, low]);
    (value >= least).then_some((usize::try_from(value).ok()?, rest))
}

#[cfg(feature = "synthetic")]
pub(crate) fn wrap(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let [.., a, b, c] = content.len().to_be_bytes();
    let length: &[u8] = match content.len() {
        0..=0x7F => &[c],
        0x80..=0xFF => &[0x81, c],
        0x100..=0xFFFF => &[0x82, b, c],
        _ => &[0x83, a, b, c],
    };
    [tag, length, content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_whole_and_alone() {
        for size in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; size];
            let mut bytes = wrap(&[0x77], &content);
            assert_eq!(exactly(&bytes, &[0x77]), Some(content.as_slice()), "{size}");
            assert_eq!(exactly(&bytes, &[0x61]), None);
            bytes.push(0);
            assert_eq!(exactly(&bytes, &[0x77]), None, "something after it");
            bytes.truncate(bytes.len().saturating_sub(2));
            assert_eq!(exactly(&bytes, &[0x77]), None, "cut off");
        }
    }

    #[test]
    fn a_length_has_one_form() {
        for bytes in [
            &[0x77, 0x81, 0x01, 7][..],
            &[0x77, 0x82, 0x00, 0x01, 7],
            &[0x77, 0x80, 7, 0, 0],
            &[0x77, 0x84, 0, 0, 0, 1, 7],
            &[0x77],
            &[0x77, 0x81],
            &[],
        ] {
            assert_eq!(exactly(bytes, &[0x77]), None, "{bytes:?}");
        }
    }
}
