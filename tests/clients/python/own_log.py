"""A log of its own, by which a witness is asked everything that tlog-witness says it must answer."""
import re
import time
from hashlib import sha256
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from c2sp import ED25519, Checkpoint, Key, Note, Signature, Tree, cosigned, leaf_hash, need, rebase64, unbase64


class OwnLog:
    """Entries that anybody can make, as many as are asked for, under a key in the form of the Go checksum database."""

    def __init__(self, skey):
        private, key, name, _, material = skey.strip().split("+", 4)
        need((private, key) == ("PRIVATE", "KEY"), "this is no private key")
        self.private = Ed25519PrivateKey.from_private_bytes(unbase64(material)[1:])
        self.key = Key(name, ED25519, self.private.public_key().public_bytes_raw())

    def tree(self, size, entry="entry"):
        return Tree(leaf_hash(f"{entry} {index}".encode()) for index in range(size))

    def checkpoint(self, tree, origin=None, private=None):
        """The note of a tree; under another origin or by another key, one that is not this log's."""
        text = f"{origin or self.key.name}\n{len(tree.leaves)}\n{rebase64(tree.root())}\n"
        signature = (private or self.private).sign(text.encode())
        return f"{text}\n\u2014 {self.key.name} {rebase64(self.key.id + signature)}\n"


class Witness:
    """A witness by its address and its verifier key."""

    def __init__(self, url, vkey):
        self.url, self.key, self.session = url, Key.read(vkey), requests.Session()
        self.session.trust_env = False

    def asked(self, old, proof, note):
        lines = [f"old {old}", *map(rebase64, proof)]
        return self.post("\n".join(lines) + f"\n\n{note}")

    def post(self, body):
        return self.session.post(f"{self.url}/add-checkpoint", data=body.encode(), timeout=30)

    def cosigns(self, answer, note):
        """The answer is signature lines, and one of them is the witness's, of now."""
        need(answer.status_code == 200, f"the witness answers {answer.status_code}: {answer.text}")
        need(answer.text.endswith("\n"), "the answer does not end in a newline")
        added = [Signature.read(line) for line in answer.text[:-1].split("\n")]
        read = Note.read(note)
        at = cosigned(Note(read.text, read.signatures + added), self.key)
        need(at is not None, "the witness has not cosigned")
        need(abs(at - time.time()) < 60, f"the witness cosigned at another time than now: {at}")

    def size(self, log):
        """How much of the log the witness has seen: asked from zero, it cosigns what is new, or says it."""
        note = log.checkpoint(log.tree(3))
        answer = self.asked(0, [], note)
        if answer.status_code != 409:
            self.cosigns(answer, note)
            return 3
        return said(answer)


def said(answer):
    """The size in a conflict: tlog-witness wants its type, and a newline after it."""
    need(answer.status_code == 409, f"the witness answers {answer.status_code} for a conflict")
    need(answer.headers["Content-Type"] == "text/x.tlog.size", "a conflict has another type")
    need(re.fullmatch("(0|[1-9][0-9]*)\n", answer.text), f"a conflict says {answer.text!r}")
    return int(answer.text)


def verify_witness(url, vkey, key):
    """Everything that must not be cosigned is refused as the text says, moves nothing, and what must be is cosigned."""
    witness, log = Witness(url, vkey), OwnLog(Path(key).read_text())
    held = witness.size(log)
    tree, fork, other = log.tree(held + 5), log.tree(held + 5, "another"), Ed25519PrivateKey.generate()
    note, proof = log.checkpoint(tree), tree.consistency(held)
    wrong, altered = [sha256(proof[0]).digest(), *proof[1:]], note.replace(f"\n{held + 5}\n", f"\n{held + 4}\n")
    refused = {
        "an old size above the new one": (400, witness.asked(held + 6, [], note)),
        "a size written otherwise": (400, witness.asked(f"0{held}", proof, note)),
        "no size": (400, witness.post(note)),
        "64 hashes": (400, witness.asked(held, 64 * [proof[0]], note)),
        "no checkpoint": (400, witness.post(f"old {held}\n\n")),
        "a log of another name": (404, witness.asked(held, proof, log.checkpoint(tree, origin="another.example/log"))),
        "the log's name and another key": (403, witness.asked(held, proof, log.checkpoint(tree, private=other))),
        "another text than was signed": (403, witness.asked(held, proof, altered)),
        "no signature of the log": (403, witness.asked(held, proof, note.replace(f" {log.key.name} ", " another "))),
        "a wrong hash": (422, witness.asked(held, wrong, note)),
        "no proof": (422, witness.asked(held, [], note)),
        "a hash too many": (422, witness.asked(held, [*proof, proof[0]], note)),
        "another history": (422, witness.asked(held, fork.consistency(held), log.checkpoint(fork))),
        "another tree of the same size": (409, witness.asked(held, [], log.checkpoint(log.tree(held, "another")))),
    }
    for name, (status, answer) in refused.items():
        need(answer.status_code == status, f"{name}: the witness answers {answer.status_code} instead of {status}")
    need(said(witness.asked(held - 1, tree.consistency(held - 1), note)) == held, "a conflict says another size")

    witness.cosigns(witness.asked(held, proof, note), note)
    need(said(witness.asked(held, proof, note)) == held + 5, "the witness has not remembered what it cosigned")
    witness.cosigns(witness.asked(held + 5, [], note), note)
    shown = witness.session.get(f"{url}/{sha256(log.key.name.encode()).hexdigest()}/checkpoint", timeout=30)
    shown = Note.read(shown.content.decode())
    shows = Checkpoint.signed(shown, log.key)
    need(shows == (log.key.name, held + 5, tree.root()), "the witness shows another checkpoint")
    need(cosigned(shown, witness.key), "the witness shows a checkpoint without its cosignature")
    return {"witness": witness.key.name, "size": held + 5, "refused": len(refused) + 2}
