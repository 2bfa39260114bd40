"""Checks a transparency log, its receipts and its witnesses, by the C2SP texts and by nothing that its operator wrote:

    verify_log.py live ISSUER [--policy FILE] [--regulator KEYS]
    verify_log.py copy DIRECTORY [--policy FILE]
    verify_log.py receipt FILE --policy FILE
    verify_log.py witness URL VKEY KEY

The policy (tlog-policy) is that of the platform's discovery, or the one beside the copy, where no better source gives one.
With KEYS, {"client_id", "signing_jwk"} of a regulator, the entries are hashed too. KEY is a log's, in the form of the Go
checksum database (PRIVATE+KEY+name+id+base64), for a log that the witness knows and nobody else has used.
Ends with 1 and the reason where something does not hold.
"""
import argparse
import json
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import requests

from c2sp import Note, Policy, Refused, Tree, entries_of, hashes_of, leaf_hash, need, proved, tile_path, tiles, utf8
from own_log import verify_witness

TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"


class Live:
    """A log that is served, by the paths of tlog-tiles."""

    def __init__(self, issuer, regulator=None):
        self.plain, self.session, self.proofs = requests.Session(), None, None
        self.plain.trust_env = False
        ledger = self.plain.get(f"{issuer}/.well-known/cyberid", timeout=30).json()["ledger"]
        self.url, self.policy = ledger["url"], ledger["policy"]
        if regulator:
            from access import enter  # nobody else needs OAuth
            _, self.session, self.proofs = enter(issuer, json.loads(Path(regulator).read_text()))

    def answer(self, path, content_type=BYTES):
        if path.startswith("tile/entries/"):
            found = self.session.get(f"{self.url}/{path}", auth=self.proofs)
        else:
            found = self.plain.get(f"{self.url}/{path}", timeout=30)
        need(found.status_code in (200, 404), f"{path}: the server answers {found.status_code}")
        need(found.status_code == 404 or found.headers["Content-Type"] == content_type, f"{path} is of another type")
        return found.content if found.status_code == 200 else None

    def checkpoint(self):
        return self.answer("checkpoint", TEXT)

    def tile(self, level, index, width):
        """A partial tile or bundle may be gone where the full one has come since."""
        found = self.answer(tile_path(level, index, width))
        return found or self.answer(tile_path(level, index, 256))

    def has_entries(self):
        return self.session is not None


class Copy:
    """A log in a directory, by the same paths."""

    def __init__(self, folder):
        self.folder = Path(folder)
        beside = self.folder / "anchors.json"
        self.policy = json.loads(beside.read_text())["policy"] if beside.exists() else None

    def read(self, path):
        path = self.folder / path
        return path.read_bytes() if path.exists() else None

    def checkpoint(self):
        return self.read("checkpoint")

    def tile(self, level, index, width):
        return self.read(tile_path(level, index, width))

    def has_entries(self):
        return (self.folder / "tile/entries").exists()


def read(log, level, index, width):
    """What a tile or bundle has of this width; it may be a wider one by now."""
    found = log.tile(level, index, width)
    need(found is not None, f"{tile_path(level, index, width)} is missing")
    parts = list(entries_of(found)) if level == "entries" else hashes_of(found)
    need(len(parts) in (width, 256), f"{tile_path(level, index, width)} has another width")
    return parts[:width]


def verify_log(log, policy):
    """The checkpoint against the policy, the whole tree against the checkpoint, and the entries against the tree."""
    note = log.checkpoint()
    need(note is not None, "there is no checkpoint")
    checkpoint, times = policy.accepts(Note.read(utf8(note)))
    levels, entries = {0: []}, 0
    for level, index, width in tiles(checkpoint.size):
        hashes = read(log, level, index, width)
        levels.setdefault(level, []).extend(hashes)
        if level == 0 and log.has_entries():
            found = [leaf_hash(entry) for entry in read(log, "entries", index, width)]
            need(found == hashes, f"{tile_path('entries', index, width)} holds other entries than the tree")
            entries += len(found)
    for level in range(1, len(levels)):
        parts = [levels[level - 1][256 * index:256 * index + 256] for index in range(len(levels[level]))]
        need(levels[level] == [Tree(part).root() for part in parts], f"level {level} is not made of the level below")
    need(Tree(levels[0]).root() == checkpoint.root, "the tree has another root than the checkpoint")
    return {"origin": checkpoint.origin, "size": checkpoint.size, "entries": entries, "cosigned": times}


def verify_receipt(file, policy):
    """The leaf in a holder's file is in the log, under a checkpoint that the policy accepts, and the evidence is the leaf's."""
    receipt = json.loads(Path(file).read_text())
    leaf, evidence = receipt["leaf"], receipt["record"]["evidence"]
    checkpoint, index, times = proved(receipt["proof"], leaf.encode(), policy)
    # Not of the C2SP texts: our leaf has the consent's hash, and the consent those of the request and of the statement.
    need(digest(evidence["consent"]) == json.loads(leaf)["consent_sha256"], "the consent is another than the leaf's")
    consent = json.loads(urlsafe_b64decode(evidence["consent"].split(".")[1] + "=="))
    for shown in ["request", "statement"]:
        need(digest(evidence[shown]) == consent[f"{shown}_sha256"], f"the {shown} is another than the consent's")
    return {"origin": checkpoint.origin, "index": index, "size": checkpoint.size, "cosigned": times}


def digest(text):
    return urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, given in [("live", ["issuer"]), ("copy", ["directory"]), ("receipt", ["file"]),
                        ("witness", ["url", "vkey", "key"])]:
        command = commands.add_parser(name)
        for argument in given:
            command.add_argument(argument)
        if name != "witness":
            command.add_argument("--policy", required=name == "receipt")
        if name == "live":
            command.add_argument("--regulator")
    return parser.parse_args()


def main(asked):
    if asked.command == "witness":
        return verify_witness(asked.url, asked.vkey, asked.key)
    policy = Path(asked.policy).read_text() if asked.policy else None
    if asked.command == "receipt":
        return verify_receipt(asked.file, Policy(policy))
    log = Live(asked.issuer, asked.regulator) if asked.command == "live" else Copy(asked.directory)
    policy = policy or log.policy
    need(policy, "no policy says whom to believe")
    return verify_log(log, Policy(policy))


if __name__ == "__main__":
    try:
        print(json.dumps(main(arguments())))
    except Refused as refused:
        sys.exit(f"refused: {refused}")
