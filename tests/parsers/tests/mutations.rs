//! Every parser on its seeds and on thousands of mutations of them: what the fuzzer does for hours, for a moment and
//! always alike.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use parsers::{Mutator, TARGETS};

const MUTATIONS: usize = 2000;

#[test]
fn every_parser_keeps_its_promise_on_mutations_of_its_seeds() {
    for (number, target) in TARGETS.iter().enumerate() {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        let mut mutator = Mutator::new(u64::try_from(number).unwrap() + 1);
        let taken = seeds.iter().filter(|seed| (target.run)(seed)).count();
        assert!(taken > 0, "{}: the parser takes no seed", target.name);
        assert!(
            !(target.run)(b"") || target.name == "query",
            "{}: nothing",
            target.name
        );
        for index in 0..MUTATIONS {
            let (seed, other) = (&seeds[index % seeds.len()], &seeds[(index / 7) % seeds.len()]);
            let input = mutator.mutated(seed, other);
            let kept = catch_unwind(|| (target.run)(&input));
            let shown = String::from_utf8_lossy(&input);
            assert!(kept.is_ok(), "{}: {shown:?} {input:?}", target.name);
        }
    }
}

/// What the fuzzer once found stays found.
#[test]
fn every_parser_keeps_its_promise_on_what_was_found_before() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/found");
    for target in TARGETS {
        for file in fs::read_dir(root.join(target.name))
            .into_iter()
            .flatten()
            .flatten()
        {
            (target.run)(&fs::read(file.path()).unwrap());
        }
    }
}

#[test]
fn every_parser_has_its_fuzz_target_and_the_other_way_round() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let files = fs::read_dir(folder.join("fuzz_targets")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| {
            file.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names, files);
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}

#[test]
fn the_mutator_changes_what_it_gets_and_always_alike() {
    let mutations = |seed| {
        let mut mutator = Mutator::new(seed);
        (0..100)
            .map(|_| mutator.mutated(b"a text", b"another"))
            .collect::<Vec<_>>()
    };
    assert_eq!(mutations(1), mutations(1));
    assert_ne!(mutations(1), mutations(2));
    let different: BTreeSet<_> = mutations(1).into_iter().collect();
    assert!(different.len() > 80, "{}", different.len());
}

/// Whatever the protocol calls a message is read by the fuzzer.
#[test]
fn every_message_of_the_protocol_is_among_those_that_are_fuzzed() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = fs::read_to_string(package.join("src/tokens.rs")).unwrap();
    let mut messages = 0;
    let mut folders = vec![package.join("../../crates/protocol/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let named = line.strip_prefix("impl Message for ");
                let Some(name) = named.and_then(|rest| rest.strip_suffix(" {")) else {
                    continue;
                };
                let listed = [format!("        {name},"), format!("        {name}\n")];
                assert!(
                    listed.iter().any(|line| read.contains(line)),
                    "{name} of {}",
                    path.display()
                );
                messages += 1;
            }
        }
    }
    assert!(messages > 25, "{messages}");
}
