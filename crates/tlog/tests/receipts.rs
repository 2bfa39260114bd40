//! Receipts and witness requests from end to end, and every way of tampering with them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use cyberid_tlog::checkpoint::{Checkpoint, CheckpointError, VerifiedCheckpoint};
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::note::{Ed25519Signer, NoteError, NoteSignature, NoteSigner};
use cyberid_tlog::policy::{Policy, Unsatisfied};
use cyberid_tlog::proof::{ConsistencyPlan, ConsistencyProof, InclusionPlan, ProofError};
use cyberid_tlog::receipt::{ReceiptError, ReceiptFormatError, TlogProof};
use cyberid_tlog::tree::{Frontier, root_from_leaves};
use cyberid_tlog::witness::{
    AddCheckpoint, Latest, Refusal, RequestError, accept_response, format_size, parse_size,
};

const SIZE: u64 = 11;

fn log() -> Ed25519Signer {
    Ed25519Signer::from_seed("example.com/log", &[1; 32])
        .ok()
        .unwrap()
}

fn witness(seed: u8) -> Ed25519Signer {
    Ed25519Signer::cosigner_from_seed(&format!("witness{seed}.example"), &[seed; 32])
        .ok()
        .unwrap()
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn lookup(node: cyberid_tlog::node::Node) -> Option<Hash> {
    root_from_leaves((node.first_leaf()..node.end()).map(|i| leaf_hash(&entry(i)))).ok()
}

fn root(size: u64) -> Hash {
    root_from_leaves((0..size).map(|i| leaf_hash(&entry(i)))).unwrap()
}

fn checkpoint(size: u64) -> VerifiedCheckpoint {
    Checkpoint::new("example.com/log", size, root(size))
        .unwrap()
        .sign(&log())
        .unwrap()
}

fn cosigned(size: u64, by: &[u8]) -> VerifiedCheckpoint {
    let mut checkpoint = checkpoint(size);
    for &seed in by {
        let line = cosign(&checkpoint, 1_700_000_000 + u64::from(seed), &witness(seed)).unwrap();
        checkpoint.add_cosignature(line).unwrap();
    }
    checkpoint
}

fn receipt(index: u64, by: &[u8]) -> TlogProof {
    let proof = InclusionPlan::new(index, SIZE).unwrap().prove(lookup).unwrap();
    TlogProof {
        extra: None,
        index,
        proof,
        checkpoint: cosigned(SIZE, by).note().clone(),
    }
}

fn policy() -> Policy {
    let witnesses = [2, 3, 4].map(|seed| witness(seed).verifier_key().clone());
    Policy::k_of_n(Some(log().verifier_key().clone()), &witnesses, 2).unwrap()
}

#[test]
fn a_receipt_proves_its_entry_offline() {
    for index in 0..SIZE {
        let text = receipt(index, &[2, 4]).to_string();
        let read = TlogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(read.to_string(), text);
        let verified = read
            .verify(&entry(index), log().verifier_key(), &policy())
            .unwrap();
        assert_eq!((verified.index(), verified.checkpoint().size()), (index, SIZE));
        let times: Vec<_> = verified.cosignatures().iter().map(|c| c.timestamp).collect();
        assert_eq!(times, [1_700_000_002, 1_700_000_004]);
    }
}

#[test]
fn a_receipt_proves_nothing_else() {
    let good = receipt(5, &[2, 4]);
    let verify = |receipt: &TlogProof| receipt.verify(&entry(5), log().verifier_key(), &policy());
    assert!(verify(&good).is_ok());
    let other_entry = good.verify(&entry(6), log().verifier_key(), &policy());
    assert_eq!(other_entry, Err(ReceiptError::Proof(ProofError::RootMismatch)));
    let other_index = TlogProof {
        index: 4,
        ..good.clone()
    };
    assert_eq!(
        verify(&other_index),
        Err(ReceiptError::Proof(ProofError::RootMismatch))
    );
    let outside = TlogProof {
        index: SIZE,
        ..good.clone()
    };
    assert_eq!(verify(&outside), Err(ReceiptError::Proof(ProofError::OutOfRange)));
    let mut short = good.clone();
    short.proof.hashes.pop();
    assert_eq!(verify(&short), Err(ReceiptError::Proof(ProofError::WrongLength)));
    let one_witness = receipt(5, &[2]);
    assert_eq!(
        verify(&one_witness),
        Err(ReceiptError::Policy(Unsatisfied::NoQuorum { cosigned: 1 }))
    );
    let stranger = Ed25519Signer::from_seed("example.com/log", &[9; 32])
        .ok()
        .unwrap();
    let wrong_log = good.verify(&entry(5), stranger.verifier_key(), &policy());
    assert_eq!(
        wrong_log,
        Err(ReceiptError::Checkpoint(CheckpointError::Note(
            NoteError::UnknownSigners
        )))
    );
}

#[test]
fn extra_data_is_carried() {
    let with_extra = TlogProof {
        extra: Some(b"salt".to_vec()),
        ..receipt(0, &[])
    };
    let text = with_extra.to_string();
    assert!(
        text.starts_with("c2sp.org/tlog-proof@v1\nextra c2FsdA==\nindex 0\n"),
        "{text}"
    );
    assert_eq!(TlogProof::parse(text.as_bytes()), Ok(with_extra));
}

#[test]
fn a_receipt_has_one_form() {
    let text = receipt(10, &[2]).to_string();
    let parse = |text: &str| TlogProof::parse(text.as_bytes()).unwrap_err();
    let hash = text.lines().nth(2).unwrap();
    for (altered, refusal) in [
        (text.replace("@v1", "@v2"), ReceiptFormatError::WrongHeader),
        (format!("\n{text}"), ReceiptFormatError::WrongHeader),
        (
            text.replace("index 10", "index 010"),
            ReceiptFormatError::MalformedIndex,
        ),
        (
            text.replace("index 10", "index +10"),
            ReceiptFormatError::MalformedIndex,
        ),
        (
            text.replace("index 10", "index  10"),
            ReceiptFormatError::MalformedIndex,
        ),
        (
            text.replace("index 10", "index 18446744073709551616"),
            ReceiptFormatError::MalformedIndex,
        ),
        (text.replace("index 10\n", ""), ReceiptFormatError::MalformedIndex),
        (
            text.replace("index 10", "extra \nindex 10"),
            ReceiptFormatError::MalformedExtra,
        ),
        (
            text.replace("index 10", "extra AB==\nindex 10"),
            ReceiptFormatError::MalformedExtra,
        ),
        (
            text.replace("index 10", "extra AA==\nextra AA==\nindex 10"),
            ReceiptFormatError::MalformedIndex,
        ),
        (
            text.replace("index 10", "index 10\nextra AA=="),
            ReceiptFormatError::MalformedHash,
        ),
        (text.replace(hash, &hash[..43]), ReceiptFormatError::MalformedHash),
        (
            text.replace(hash, &format!("{hash} ")),
            ReceiptFormatError::MalformedHash,
        ),
        (
            text.replace(hash, &[hash; 64].join("\n")),
            ReceiptFormatError::TooManyHashes,
        ),
        (text.replace("\n\n", "\n"), ReceiptFormatError::MissingCheckpoint),
        (text.replace('\n', "\r\n"), ReceiptFormatError::MissingCheckpoint),
        (
            text.trim_end().to_owned(),
            ReceiptFormatError::Note(NoteError::MalformedSignature),
        ),
        (
            format!("{text}\n"),
            ReceiptFormatError::Note(NoteError::NoSignatures),
        ),
    ] {
        assert_eq!(parse(&altered), refusal, "{altered}");
    }
}

#[test]
fn the_head_of_the_published_receipt_is_read() {
    // The hashes of the specification's example; its signatures are elided there, so ours stand in.
    let head = "c2sp.org/tlog-proof@v1\n\
        index 73894\n\
        gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n\
        B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n\
        EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=\n\
        RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=\n\
        AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=\n";
    let text = format!("{head}\n{}", checkpoint(SIZE).note());
    let read = TlogProof::parse(text.as_bytes()).unwrap();
    assert_eq!((read.index, read.proof.hashes.len()), (73_894, 5));
    assert_eq!(read.to_string(), text);
}

fn request(old: u64, new: u64) -> AddCheckpoint {
    let proof = ConsistencyPlan::new(old, new).unwrap().prove(lookup).unwrap();
    AddCheckpoint {
        old_size: old,
        proof,
        checkpoint: checkpoint(new).note().clone(),
    }
}

fn latest(size: u64) -> Latest {
    Latest {
        size,
        root: root(size),
    }
}

#[test]
fn a_witness_follows_a_growing_log() {
    for old in 0..=SIZE {
        for new in old..=SIZE {
            let text = request(old, new).to_string();
            let read = AddCheckpoint::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (read.to_string(), read.claimed_origin()),
                (text, Some("example.com/log"))
            );
            assert_eq!(read.check(log().verifier_key(), latest(old)).unwrap().size(), new);
        }
    }
    assert_eq!(latest(0), Latest::default());
}

#[test]
fn a_witness_refuses_by_the_book() {
    let check = |request: &AddCheckpoint, latest| request.check(log().verifier_key(), latest).unwrap_err();
    assert_eq!(check(&request(3, 7), latest(4)), Refusal::Conflict { size: 4 });
    assert_eq!(check(&request(0, 7), latest(7)), Refusal::Conflict { size: 7 });
    assert_eq!(
        check(
            &AddCheckpoint {
                old_size: 8,
                ..request(3, 7)
            },
            latest(8)
        ),
        Refusal::BadRequest
    );

    let forked = Latest {
        size: 3,
        root: leaf_hash(b"fork"),
    };
    assert_eq!(check(&request(3, 7), forked), Refusal::Inconsistent);
    assert_eq!(check(&request(3, 3), forked), Refusal::Conflict { size: 3 });
    let unproved = AddCheckpoint {
        proof: ConsistencyProof::default(),
        ..request(3, 7)
    };
    assert_eq!(check(&unproved, latest(3)), Refusal::Inconsistent);
    let overproved = AddCheckpoint {
        old_size: 0,
        ..request(3, 7)
    };
    assert_eq!(check(&overproved, latest(0)), Refusal::Inconsistent);

    let stranger = Ed25519Signer::from_seed("example.com/log", &[9; 32])
        .ok()
        .unwrap();
    let unsigned = request(3, 7)
        .check(stranger.verifier_key(), latest(3))
        .unwrap_err();
    assert_eq!(
        unsigned,
        Refusal::Unsigned(CheckpointError::Note(NoteError::UnknownSigners))
    );
}

#[test]
fn a_request_has_one_form() {
    let text = request(3, 7).to_string();
    let hash = text.lines().nth(1).unwrap();
    for (altered, refusal) in [
        (text.replace("old 3", "old 03"), RequestError::MalformedOldSize),
        (text.replace("old 3", "old  3"), RequestError::MalformedOldSize),
        (text.replace("old 3", "new 3"), RequestError::MalformedOldSize),
        (text.replace("old 3\n", ""), RequestError::MalformedOldSize),
        (text.replace(hash, &hash[1..]), RequestError::MalformedHash),
        (
            text.replace(hash, &[hash; 64].join("\n")),
            RequestError::TooManyHashes,
        ),
        (text.replace("\n\n", "\n"), RequestError::MissingCheckpoint),
        (
            text.trim_end().to_owned(),
            RequestError::Note(NoteError::MalformedSignature),
        ),
    ] {
        assert_eq!(
            AddCheckpoint::parse(altered.as_bytes()),
            Err(refusal),
            "{altered}"
        );
    }
}

#[test]
fn the_published_request_is_read_as_written() {
    let text = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    let read = AddCheckpoint::parse(text.as_bytes()).unwrap();
    assert_eq!(
        (
            read.old_size,
            read.proof.hashes.len(),
            read.checkpoint.signatures().len()
        ),
        (20_852_014, 4, 2)
    );
    assert_eq!(read.claimed_origin(), Some("example.com/behind-the-sofa"));
    let checkpoint: Checkpoint = read.checkpoint.text().parse().unwrap();
    assert_eq!(checkpoint.size(), 20_852_163);
    assert_eq!(read.to_string(), text);
}

#[test]
fn the_published_notes_are_read_as_written() {
    let poem = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";
    let line = "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let note = cyberid_tlog::note::SignedNote::parse(format!("{poem}\n{line}").as_bytes()).unwrap();
    assert_eq!((note.text(), note.to_string()), (poem, format!("{poem}\n{line}")));

    let witness = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let lines = NoteSignature::parse_lines(witness).unwrap();
    assert_eq!(lines[0].bytes()[..8], 1_679_315_147_u64.to_be_bytes());
    assert_eq!(NoteSignature::format_lines(&lines), witness);
}

#[test]
fn a_witness_answer_is_taken_over_when_it_is_right() {
    let mut held = checkpoint(SIZE);
    let mine = cosign(&held, 5, &witness(2)).unwrap();
    let other = cosign(&held, 5, &witness(3)).unwrap();
    let answer = NoteSignature::format_lines(&[other.clone(), mine.clone()]);
    let key = witness(2).verifier_key().clone();
    assert_eq!(accept_response(&mut held, &answer, &key), Ok(true));
    assert_eq!(held.note().signatures()[1..], [mine]);

    assert_eq!(
        accept_response(&mut held, &NoteSignature::format_lines(&[other]), &key),
        Ok(false)
    );
    let stale = NoteSignature::format_lines(&[cosign(&checkpoint(3), 5, &witness(2)).unwrap()]);
    let refusal = NoteError::InvalidSignature {
        name: "witness2.example".into(),
    };
    assert_eq!(accept_response(&mut held, &stale, &key), Err(refusal));
    let line = held.note().signatures()[1].clone();
    let twice = NoteSignature::format_lines(&[line.clone(), line]);
    let refusal = NoteError::DuplicateSignature {
        name: "witness2.example".into(),
    };
    assert_eq!(accept_response(&mut held, &twice, &key), Err(refusal));
    assert_eq!(
        accept_response(&mut held, "nonsense\n", &key),
        Err(NoteError::MalformedSignature)
    );
}

#[test]
fn sizes_are_canonical() {
    assert_eq!(parse_size(&format_size(u64::MAX)), Some(u64::MAX));
    for bad in ["", "\n", "1", "01\n", "1\n\n", " 1\n", "1\r\n"] {
        assert_eq!(parse_size(bad), None, "{bad:?}");
    }
}

#[test]
fn the_empty_log_is_its_frontier() {
    assert_eq!(Frontier::new().root(), root(0));
}
