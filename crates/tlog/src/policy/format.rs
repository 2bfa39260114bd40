//! The text form of a policy (tlog-policy, Policy file syntax and structure).

use super::{Group, NONE, Policy, PolicyBuilder, PolicyError};
use crate::note::VerifierKey;
use crate::text;

impl Policy {
    /// The largest policy file read, in bytes (tlog-policy, Implementation limits).
    pub const MAX_LEN: usize = 1 << 20;

    /// Reads a policy file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > Self::MAX_LEN {
            return Err(PolicyError::TooLarge);
        }
        let text = bytes
            .iter()
            .all(|&b| (b >= b' ' && b != 0x7f) || b == b'\t' || b == b'\n');
        let lines = bytes
            .strip_suffix(b"\n")
            .filter(|_| text)
            .ok_or(PolicyError::NotLines)?;
        let mut reader = Reader::default();
        for line in lines.split(|&b| b == b'\n') {
            reader.line(line)?;
        }
        reader.finish()
    }

    /// Writes the policy as a file: logs, witnesses, groups and the quorum.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for log in &self.logs {
            let vkey = log.key.to_string();
            push_line(
                &mut out,
                [b"log", vkey.as_bytes()].into_iter().chain(log.url.as_deref()),
            );
        }
        for witness in &self.witnesses {
            let vkey = witness.key.to_string();
            let items = [b"witness", witness.name.as_slice(), vkey.as_bytes()];
            push_line(&mut out, items.into_iter().chain(witness.url.as_deref()));
        }
        for Group {
            name,
            threshold,
            members,
        } in &self.groups
        {
            let threshold = threshold.to_string();
            let items = [b"group", name.as_slice(), threshold.as_bytes()];
            push_line(
                &mut out,
                items.into_iter().chain(members.iter().map(Vec::as_slice)),
            );
        }
        push_line(
            &mut out,
            [b"quorum", self.quorum.as_deref().unwrap_or(NONE)].into_iter(),
        );
        out
    }
}

/// What has been read so far; the quorum is fixed where its line stands.
#[derive(Default)]
struct Reader {
    builder: PolicyBuilder,
    quorum: Option<Vec<u8>>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyError> {
        let items: Vec<_> = line
            .split(|&b| b == b' ' || b == b'\t')
            .filter(|item| !item.is_empty())
            .collect();
        match items.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key, url @ ..] => self.builder.log(parse_key(key)?, parse_url(url)?),
            [b"witness", name, key, url @ ..] => self.builder.witness(name, parse_key(key)?, parse_url(url)?),
            [b"group", name, threshold, members @ ..] => {
                self.builder
                    .group(name, parse_threshold(threshold, members.len())?, members)
            }
            [b"quorum", name] => self.quorum_line(name),
            _ => Err(PolicyError::MalformedLine),
        }
    }

    fn quorum_line(&mut self, name: &[u8]) -> Result<(), PolicyError> {
        self.builder.quorum(name)?;
        if self.quorum.replace(name.to_vec()).is_some() {
            Err(PolicyError::NotOneQuorum)
        } else {
            Ok(())
        }
    }

    fn finish(self) -> Result<Policy, PolicyError> {
        self.builder
            .quorum(&self.quorum.ok_or(PolicyError::NotOneQuorum)?)
    }
}

fn parse_key(item: &[u8]) -> Result<VerifierKey, PolicyError> {
    let vkey = str::from_utf8(item).map_err(|_| PolicyError::MalformedKey)?;
    vkey.parse().map_err(|_| PolicyError::MalformedKey)
}

fn parse_url(items: &[&[u8]]) -> Result<Option<Vec<u8>>, PolicyError> {
    match items {
        [] => Ok(None),
        [url] => Ok(Some(url.to_vec())),
        _ => Err(PolicyError::MalformedLine),
    }
}

fn parse_threshold(item: &[u8], members: usize) -> Result<usize, PolicyError> {
    match item {
        b"all" => Ok(members),
        b"any" => Ok(1),
        decimal => {
            let decimal = str::from_utf8(decimal).ok().and_then(text::parse_decimal);
            decimal
                .and_then(|k| usize::try_from(k).ok())
                .ok_or(PolicyError::MalformedLine)
        }
    }
}

fn push_line<'i>(out: &mut Vec<u8>, items: impl Iterator<Item = &'i [u8]>) {
    let line = items.collect::<Vec<_>>().join(b" ".as_slice());
    out.extend_from_slice(&line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const WITNESS: &str = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";

    fn parse(text: &str) -> Result<Policy, PolicyError> {
        Policy::parse(text.as_bytes())
    }

    #[test]
    fn spaces_and_comments_carry_nothing() {
        let plain =
            format!("log {LOG} https://log.example/\nwitness w {WITNESS} https://w.example/\nquorum w\n");
        let spaced = format!(
            "# policy\n\n \t\n\t log\t{LOG}  https://log.example/ \n  # more\nwitness w {WITNESS} https://w.example/\n\tquorum w\t\n"
        );
        assert_eq!(parse(&spaced), parse(&plain));
        assert_eq!(parse(&plain).unwrap().to_bytes(), plain.as_bytes());
    }

    #[test]
    fn names_are_opaque_bytes() {
        let mut text = b"# \xff\nwitness \xe2\x84\xaa ".to_vec();
        text.extend_from_slice(WITNESS.as_bytes());
        let quorum = |name: &[u8]| [&text, b"\nquorum ".as_slice(), name, b"\n"].concat();
        assert!(Policy::parse(&quorum(b"\xe2\x84\xaa")).is_ok());
        assert_eq!(Policy::parse(&quorum(b"K")), Err(PolicyError::UndefinedName));
    }

    #[test]
    fn thresholds_are_canonical_and_possible() {
        let group = |k: &str| parse(&format!("witness w {WITNESS}\ngroup g {k} w\nquorum g\n")).map(|_| ());
        for k in ["all", "any", "1"] {
            assert_eq!(group(k), Ok(()), "{k}");
        }
        for k in ["0", "2"] {
            assert_eq!(group(k), Err(PolicyError::ImpossibleThreshold), "{k}");
        }
        for k in ["01", "+1", "most", "ALL"] {
            assert_eq!(group(k), Err(PolicyError::MalformedLine), "{k}");
        }
        assert_eq!(
            parse(&format!("witness w {WITNESS}\ngroup g all\nquorum g\n")),
            Err(PolicyError::ImpossibleThreshold)
        );
    }

    #[test]
    fn each_rule_refuses() {
        let w = format!("witness w {WITNESS}\n");
        for (text, refusal) in [
            (String::new(), PolicyError::NotLines),
            ("quorum none".into(), PolicyError::NotLines),
            ("quorum none\r\n".into(), PolicyError::NotLines),
            ("# \u{7f}\nquorum none\n".into(), PolicyError::NotLines),
            ("\n".into(), PolicyError::NotOneQuorum),
            ("quorum none\nquorum none\n".into(), PolicyError::NotOneQuorum),
            ("quorum\n".into(), PolicyError::MalformedLine),
            ("quorum none none\n".into(), PolicyError::MalformedLine),
            ("Quorum none\n".into(), PolicyError::MalformedLine),
            ("quorum w\n".into(), PolicyError::UndefinedName),
            (format!("quorum w\n{w}"), PolicyError::UndefinedName),
            (
                format!("log {LOG} u v\nquorum none\n"),
                PolicyError::MalformedLine,
            ),
            (format!("log {LOG}x\nquorum none\n"), PolicyError::MalformedKey),
            (format!("log {WITNESS}\nquorum none\n"), PolicyError::WrongKeyType),
            (
                format!("witness w {LOG}\nquorum none\n"),
                PolicyError::WrongKeyType,
            ),
            (
                format!("log {LOG}\nlog {LOG}\nquorum none\n"),
                PolicyError::DuplicateKey,
            ),
            (
                format!("{w}witness v {WITNESS}\nquorum none\n"),
                PolicyError::DuplicateKey,
            ),
            (
                format!("witness none {WITNESS}\nquorum none\n"),
                PolicyError::DuplicateName,
            ),
            (
                format!("{w}group w any w\nquorum w\n"),
                PolicyError::DuplicateName,
            ),
            (
                format!("{w}group g any g\nquorum g\n"),
                PolicyError::UndefinedName,
            ),
            (
                format!("{w}group g any none\nquorum g\n"),
                PolicyError::UndefinedName,
            ),
            (
                format!("{w}group g any w w\nquorum g\n"),
                PolicyError::DuplicateMember,
            ),
            (
                format!("{w}group g any w\ngroup h any w\nquorum g\n"),
                PolicyError::DuplicateMember,
            ),
        ] {
            assert_eq!(parse(&text), Err(refusal), "{text:?}");
        }
        assert_eq!(
            parse(&"#".repeat(Policy::MAX_LEN + 1)),
            Err(PolicyError::TooLarge)
        );
    }
}
