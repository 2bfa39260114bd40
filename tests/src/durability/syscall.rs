//! What strace writes, one line a call: taken apart.

use std::collections::HashMap;

/// A system call that was begun, as one line, or one and its continuation, tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Vec<Vec<u8>>,
    /// What it returned; nothing while it is at work.
    pub(super) returned: Option<i64>,
    /// Where it comes from: the thread.
    pub(super) thread: u64,
}

/// A moment of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moment {
    /// It was begun, and has not returned.
    Begins(Call),
    /// It was begun earlier, and has returned now.
    Ends(Call),
    /// Nothing happened between.
    Whole(Call),
}

/// Reads lines in their order.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// What each thread has begun.
    begun: HashMap<u64, Vec<u8>>,
}

const UNFINISHED: &[u8] = b" <unfinished ...>";
const RESUMED: &[u8] = b" resumed>";

impl Reader {
    /// The moment that a line tells of; nothing for signals and exits.
    pub(super) fn line(&mut self, line: &[u8]) -> Option<Moment> {
        let space = line.iter().position(|byte| *byte == b' ')?;
        let (thread, said) = line.split_at(space);
        let thread: u64 = str::from_utf8(thread).ok()?.parse().ok()?;
        let said = said.trim_ascii();
        if let Some(begun) = said.strip_suffix(UNFINISHED) {
            self.begun.insert(thread, begun.to_vec());
            return Some(Moment::Begins(call(thread, begun)?));
        }
        if said.starts_with(b"<... ") {
            let mut whole = self.begun.remove(&thread)?;
            let end = find(said, RESUMED)? + RESUMED.len();
            whole.extend_from_slice(said.get(end..)?);
            return Some(Moment::Ends(call(thread, &whole)?));
        }
        Some(Moment::Whole(call(thread, said)?))
    }
}

/// The place of a text in another.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn call(thread: u64, said: &[u8]) -> Option<Call> {
    let open = said.iter().position(|byte| *byte == b'(')?;
    let name = str::from_utf8(said.get(..open)?).ok()?;
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return None;
    }
    let (arguments, rest) = arguments(said.get(open + 1..)?);
    Some(Call {
        name: name.into(),
        arguments,
        returned: rest.and_then(returned),
        thread,
    })
}

/// The number after ` = `; an error is -1, and what did not return (`?`) is nothing.
fn returned(rest: &[u8]) -> Option<i64> {
    let text = str::from_utf8(rest).ok()?.trim_start();
    let value = text.strip_prefix('=')?.trim_start();
    let end = value
        .find(|c: char| !c.is_ascii_hexdigit() && c != '-' && c != 'x')
        .unwrap_or(value.len());
    let value = value.get(..end)?;
    match value.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => value.parse().ok(),
    }
}

/// The arguments, and what follows the bracket that closes them, if it is there.
fn arguments(text: &[u8]) -> (Vec<Vec<u8>>, Option<&[u8]>) {
    let (mut all, mut from, mut at, mut depth) = (Vec::new(), 0, 0, 0usize);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().trim_ascii().to_vec();
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at += quoted_length(text.get(at..).unwrap_or_default()),
            b'<' => at += annotation_length(text.get(at..).unwrap_or_default()),
            b'(' | b'[' | b'{' => depth += 1,
            b')' if depth == 0 => {
                all.push(part(from, at));
                return (all, text.get(at + 1..));
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                all.push(part(from, at));
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    all.push(part(from, text.len()));
    (all, None)
}

/// From a quote to the byte before the end of its string's closing quote.
fn quoted_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// From the bracket after a descriptor to the one that closes it; a socket's has an arrow in it.
fn annotation_length(text: &[u8]) -> usize {
    let socket = text.starts_with(b"<TCP") || text.starts_with(b"<UDP") || text.starts_with(b"<UNIX");
    let end: &[u8] = if socket { b"]>" } else { b">" };
    find(text, end).map_or(0, |at| at + end.len() - 1)
}

/// A descriptor: its number, and what strace says that it is.
pub(super) fn descriptor(argument: &[u8]) -> Option<(i64, String)> {
    let text = String::from_utf8_lossy(argument);
    let (number, what) = text.split_once('<')?;
    Some((number.parse().ok()?, what.strip_suffix('>')?.to_owned()))
}

/// A number.
pub(super) fn number(argument: &[u8]) -> Option<u64> {
    str::from_utf8(argument).ok()?.parse().ok()
}

/// The bytes of every string in an argument, one after the other.
pub(super) fn bytes(argument: &[u8]) -> Vec<u8> {
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(byte) = argument.get(at) {
        if *byte == b'"' {
            let rest = argument.get(at..).unwrap_or_default();
            let length = quoted_length(rest);
            unescape(rest.get(1..length).unwrap_or_default(), &mut all);
            assert!(
                !rest.get(length + 1..).unwrap_or_default().starts_with(b"..."),
                "strace cut a string short"
            );
            at += length;
        }
        at += 1;
    }
    all
}

/// C's escapes: a letter, or up to three octal digits.
fn unescape(text: &[u8], into: &mut Vec<u8>) {
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            into.push(byte);
            continue;
        }
        match rest.next().unwrap() {
            b'n' => into.push(b'\n'),
            b't' => into.push(b'\t'),
            b'r' => into.push(b'\r'),
            b'v' => into.push(0x0b),
            b'f' => into.push(0x0c),
            digit @ b'0'..=b'7' => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(next) = rest.next_if(|byte| matches!(byte, b'0'..=b'7')) else {
                        break;
                    };
                    value = value * 8 + u32::from(next - b'0');
                }
                into.push(u8::try_from(value).unwrap());
            }
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(line: &str) -> Call {
        match Reader::default().line(line.as_bytes()) {
            Some(Moment::Whole(call)) => call,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_write_has_its_file_bytes_and_place() {
        let call = whole(r#"12  pwrite64(5</d/a (1).db>, "a\"),\0\18\177\n", 8, 4096) = 8"#);
        assert_eq!((call.name.as_str(), call.returned), ("pwrite64", Some(8)));
        let [file, written, length, at] = call.arguments.as_slice() else {
            panic!("{call:?}")
        };
        assert_eq!(descriptor(file), Some((5, "/d/a (1).db".into())));
        assert_eq!(bytes(written), b"a\"),\0\x018\x7f\n");
        assert_eq!((number(length), number(at)), (Some(8), Some(4096)));
    }

    #[test]
    fn an_answer_may_be_in_pieces_and_go_to_a_socket() {
        let call = whole(
            r#"12  writev(50<TCP:[127.0.0.1:1->127.0.0.1:2]>, [{iov_base="HTTP", iov_len=4}, {iov_base="/1", iov_len=2}], 2) = 6"#,
        );
        assert_eq!(call.arguments.len(), 3);
        assert_eq!(
            descriptor(&call.arguments[0]),
            Some((50, "TCP:[127.0.0.1:1->127.0.0.1:2]".into()))
        );
        assert_eq!(bytes(&call.arguments[1]), b"HTTP/1");
    }

    #[test]
    fn a_call_that_others_interrupt_begins_and_ends() {
        let mut reader = Reader::default();
        let begins = reader.line(b"7  fdatasync(5</d/a> <unfinished ...>");
        let Some(Moment::Begins(call)) = begins else {
            panic!("{begins:?}")
        };
        assert_eq!(call.returned, None);
        let other = reader.line(b"8  fsync(6</d>) = -1 EIO (Input/output error) (INJECTED)");
        let Some(Moment::Whole(failed)) = other else {
            panic!("{other:?}")
        };
        assert_eq!((failed.thread, failed.returned), (8, Some(-1)));
        let ends = reader.line(b"7  <... fdatasync resumed>) = 0");
        let Some(Moment::Ends(call)) = ends else {
            panic!("{ends:?}")
        };
        assert_eq!((call.name.as_str(), call.returned), ("fdatasync", Some(0)));
        assert_eq!(descriptor(&call.arguments[0]), Some((5, "/d/a".into())));
    }

    #[test]
    fn signals_and_exits_are_no_calls() {
        for line in [
            "7  +++ exited with 0 +++",
            "7  --- SIGTERM {si_signo=SIGTERM} ---",
            "",
        ] {
            assert_eq!(Reader::default().line(line.as_bytes()), None);
        }
        assert_eq!(whole("7  fsync(3</d>) = ?").returned, None);
        assert_eq!(
            whole("7  openat(AT_FDCWD</>, \"a\", O_RDWR) = 5</a>").returned,
            Some(5)
        );
        assert_eq!(
            whole("7  fcntl(3</d>, F_GETFD) = 0x1 (flags FD_CLOEXEC)").returned,
            Some(1)
        );
    }
}
