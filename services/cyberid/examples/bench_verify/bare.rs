//! The cryptography of one call and nothing else, on the server's core.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign as _, SigningKey, aead, digest, jws};
use serde_json::{Value, json};

use crate::{Options, core, disk, people};

/// The length in bytes of what becomes durable with one verification.
const FRAME: usize = 768;
/// The length of what a relying party and a holder sign, and of what is attested.
const SIGNED: [usize; 3] = [700, 600, 700];
const KEYS: u32 = 512;

/// Measures in a process of its own on the server's core; calls per second.
pub(crate) fn in_a_process(options: &Options) -> f64 {
    let output = core::on(core::SERVER, &std::env::current_exe().unwrap())
        .args([
            "--bare",
            "--calls",
            &options.calls.to_string(),
            "--connections",
            &options.connections.to_string(),
        ])
        .arg("--folder")
        .arg(&options.folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    said["per_second"].as_f64().unwrap()
}

/// What a call brings: keys, messages and signatures of its own.
struct Call {
    party: PublicKey,
    party_signature: [u8; 64],
    ephemeral: PublicKey,
    sealed: Vec<u8>,
    device: PublicKey,
    device_signature: [u8; 64],
}

struct Keys {
    message: AgreementKey,
    attestation: SigningKey,
    secret: [u8; 32],
    said: [Vec<u8>; 3],
}

/// So many calls, as many on their way at once as there are connections.
pub(crate) fn measure(count: usize, at_once: usize, folder: &Path) -> Value {
    let keys = Keys {
        message: AgreementKey::from_scalar(&[9; 32]).unwrap(),
        attestation: SigningKey::from_scalar(&[7; 32]).unwrap(),
        secret: [5; 32],
        said: SIGNED.map(|length| vec![b'x'; length]),
    };
    let calls: Vec<Call> = (0..KEYS).map(|person| keys.call(person)).collect();
    let path = folder.join("bare");
    let file = disk::preallocated(&path, count * FRAME);
    let (frames, written) = mpsc::sync_channel(at_once);
    let (done, room) = mpsc::channel();
    for _ in 0..at_once {
        done.send(()).unwrap();
    }
    let begun = Instant::now();
    let writer = std::thread::spawn(move || write_in_groups(&file, &written, &done));
    for call in calls.iter().cycle().take(count) {
        room.recv().unwrap();
        frames.send(keys.answer(call)).unwrap();
    }
    drop(frames);
    let groups = writer.join().unwrap();
    let per_second = count as f64 / begun.elapsed().as_secs_f64();
    std::fs::remove_file(path).unwrap();
    json!({ "per_second": per_second, "groups": groups })
}

/// Writes everything that waits, syncs once, and says so to each.
fn write_in_groups(file: &File, frames: &mpsc::Receiver<Vec<u8>>, done: &mpsc::Sender<()>) -> usize {
    let (mut place, mut groups) = (0, 0);
    while let Ok(first) = frames.recv() {
        let mut group = first;
        group.extend(frames.try_iter().flatten());
        file.write_all_at(&group, place).unwrap();
        file.sync_data().unwrap();
        place += group.len() as u64;
        groups += 1;
        for _ in 0..group.len() / FRAME {
            // Nobody waits for room after the last call.
            let _ = done.send(());
        }
    }
    groups
}

impl Keys {
    fn call(&self, person: u32) -> Call {
        let (party, device) = (people::device(person), people::device(person + KEYS));
        let ephemeral = AgreementKey::ephemeral().unwrap();
        let shared = ephemeral.agree(&self.message.public_key()).unwrap();
        Call {
            party: party.public_key(),
            party_signature: party.sign(&self.said[0]).unwrap(),
            ephemeral: ephemeral.public_key(),
            sealed: aead::encrypt(
                &digest::sha256(&*shared),
                [0; aead::NONCE],
                b"header",
                &self.said[1],
            ),
            device: device.public_key(),
            device_signature: device.sign(&self.said[1]).unwrap(),
        }
    }

    /// The operations of a direct verification, in its order; returns the frame that has to become durable.
    fn answer(&self, call: &Call) -> Vec<u8> {
        let mac = |message: &[u8]| digest::hmac_parts(&self.secret, &[message]);
        // The access token, and the relying party's proof: signature, thumbprint, hash of the token, nonce, memory.
        mac(&self.said[0]);
        jws::verify_signature(&call.party, &self.said[0], &call.party_signature).unwrap();
        digest::sha256(call.party.as_sec1());
        digest::sha256(&self.said[0]);
        mac(b"nonce");
        mac(b"memory");
        // The seal.
        let shared = self.message.agree(&call.ephemeral).unwrap();
        let key = digest::sha256(&*shared);
        aead::decrypt(&key, [0; aead::NONCE], b"header", &call.sealed).unwrap();
        // The holder's proof.
        jws::verify_signature(&call.device, &self.said[1], &call.device_signature).unwrap();
        digest::sha256(&call.device_signature);
        // The pseudonym; the visit's tag and key, and its seal.
        digest::hmac_parts(&mac(b"pairwise"), &[b"subject"]);
        digest::hmac_parts(&mac(b"day"), &[b"subject"]);
        let visit = aead::encrypt(&mac(b"visit"), [1; aead::NONCE], b"day", &[b' '; 512]);
        // The attestation.
        let signature = self.attestation.sign(&self.said[2]).unwrap();
        let mut body = [visit.as_slice(), &signature].concat();
        body.resize(FRAME - 16, 0);
        aead::encrypt(&self.secret, [2; aead::NONCE], b"frame", &body)
    }
}
