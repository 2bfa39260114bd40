"""The formats of a transparency log, written from the texts at https://c2sp.org and RFC 6962, and from nothing else.

signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy, tlog-proof and tlog-tiles, as somebody reads them who checks.
Whatever does not hold raises `Refused`.
"""
import base64
import re
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

ED25519, COSIGNATURE_V1, SUBTREE_V1 = 0x01, 0x04, 0x06
PUBLIC_KEYS = {ED25519: Ed25519PublicKey, COSIGNATURE_V1: Ed25519PublicKey, SUBTREE_V1: MLDSA44PublicKey}


class Refused(Exception):
    """Something is not what it is said to be."""


def need(holds, why):
    if not holds:
        raise Refused(why)


def utf8(found):
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise Refused("this is no text") from error


def decimal(text):
    """An ASCII decimal with no leading zeroes."""
    need(re.fullmatch("0|[1-9][0-9]*", text, re.ASCII) and int(text) < 1 << 64, f"{text!r} is no number")
    return int(text)


def rebase64(found):
    return base64.b64encode(found).decode()


def unbase64(text, length=None):
    """The bytes of a base64 text (RFC 4648, section 4), of which there is one for the same bytes."""
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused(f"{text!r} is no base64") from error
    need(rebase64(found) == text, f"{text!r} is not how these bytes are written")
    need(length in (None, len(found)), f"{text!r} has another length than {length}")
    return found


# signed-note, and the keys of tlog-cosignature


class Key(NamedTuple):
    """A verifier key: whose it is, what it signs, and the public key."""
    name: str
    kind: int
    public: bytes

    @classmethod
    def read(cls, vkey):
        parts = vkey.split("+", 2)
        need(len(parts) == 3, f"{vkey!r} is no verifier key")
        material = unbase64(parts[2])
        key = cls(parts[0], material[0], material[1:])
        need(is_name(key.name) and key.id.hex() == parts[1], f"{vkey!r} has a wrong name or id")
        need(key.kind in PUBLIC_KEYS, f"{vkey!r} makes signatures of a type not known here")
        return key

    @property
    def id(self):
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def signed(self, message, signature):
        try:
            PUBLIC_KEYS[self.kind].from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature as error:
            raise Refused(f"a signature of {self.name} is wrong") from error


def is_name(name):
    return bool(name) and not re.search(r"[\s+]", name)


class Signature(NamedTuple):
    """A signature line."""
    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def read(cls, line):
        found = re.fullmatch("\u2014 ([^ ]+) ([^ ]+)", line)
        need(found and is_name(found[1]), f"{line!r} is no signature line")
        made = unbase64(found[2])
        need(len(made) > 4, f"{line!r} has no signature")
        return cls(found[1], made[:4], made[4:])


class Note(NamedTuple):
    """A text and the lines below it, none of which has been checked."""
    text: str
    signatures: list

    @classmethod
    def read(cls, note):
        need(not re.search("[\x00-\x09\x0b-\x1f]", note), "the note has a control character")
        text, blank, lines = note.rpartition("\n\n")
        need(blank and lines.endswith("\n"), "the note has no signatures")
        return cls(text + "\n", [Signature.read(line) for line in lines[:-1].split("\n")])

    def by(self, key):
        """The signature of a key, not checked yet; whoever has the same name or the same id is somebody else."""
        found = [line.signature for line in self.signatures if (line.name, line.key_id) == (key.name, key.id)]
        need(len(found) < 2, f"{key.name} signed twice")
        return found[0] if found else None


# tlog-checkpoint and tlog-cosignature


class Checkpoint(NamedTuple):
    """What a log states: how large its tree is, and its root."""
    origin: str
    size: int
    root: bytes

    @classmethod
    def read(cls, text):
        lines = text.split("\n")
        need(len(lines) > 3 and lines.pop() == "" and all(lines), "the checkpoint is not three lines or more")
        return cls(lines[0], decimal(lines[1]), unbase64(lines[2], 32))

    @classmethod
    def signed(cls, note, log):
        """The checkpoint of a note that this log has signed."""
        signature = note.by(log)
        need(signature, f"{log.name} has not signed")
        log.signed(note.text.encode(), signature)
        checkpoint = cls.read(note.text)
        need(checkpoint.origin == log.name, "the checkpoint is of another log")
        return checkpoint


def cosigned(note, witness):
    """When a witness cosigned a note, in seconds since the Epoch; nothing if it did not."""
    need(witness.kind in (COSIGNATURE_V1, SUBTREE_V1), f"{witness.name} has no witness's key")
    if not (made := note.by(witness)):
        return None
    time = int.from_bytes(made[:8])
    need(time < 1 << 63, f"{witness.name} signed for no time there is")
    if witness.kind == COSIGNATURE_V1:
        message = f"cosignature/v1\ntime {time}\n{note.text}".encode()
    else:
        origin, size, root = Checkpoint.read(note.text)
        message = (b"subtree/v1\n\0" + prefixed(witness.name) + made[:8] + prefixed(origin)
                   + bytes(8) + size.to_bytes(8) + root)
    witness.signed(message, made[8:])
    return time


def prefixed(text):
    return bytes([len(text.encode())]) + text.encode()


# tlog-policy


class Policy:
    """Which logs are believed, and who must have witnessed what they say."""

    def __init__(self, text):
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, None
        for line in text.split("\n"):
            match re.split("[ \t]+", line.strip(" \t")):
                case [""]:
                    pass
                case [word, *_] if word.startswith("#"):
                    pass
                case ["log", vkey, *_]:
                    self.logs.append(Key.read(vkey))
                    need(self.logs[-1].kind == ED25519, "a log's key is of another type")
                case ["witness", name, vkey, *_]:
                    self.define(name)
                    self.witnesses[name] = Key.read(vkey)
                    need(self.witnesses[name].kind != ED25519, "a witness's key is of another type")
                case ["group", name, threshold, *members]:
                    self.define(name, *members)
                    count = {"any": 1, "all": len(members)}.get(threshold) or decimal(threshold)
                    need(1 <= count <= len(members), f"{name} has a threshold that cannot be")
                    self.groups[name] = (count, members)
                case ["quorum", name]:
                    need(self.quorum is None, "there are two quorums")
                    need(name == "none" or self.defined(name), f"{name} is not defined")
                    self.quorum = name
                case _:
                    raise Refused(f"{line!r} is no line of a policy")
        need(self.quorum is not None, "the policy has no quorum")
        for keys in [self.logs, self.witnesses.values()]:
            need(len({key.public for key in keys}) == len(keys), "a key stands in the policy twice")

    def defined(self, name):
        return name in self.witnesses or name in self.groups

    def define(self, name, *members):
        need(name != "none" and not self.defined(name), f"{name} is defined twice")
        need(all(map(self.defined, members)), f"a member of {name} is not defined")
        known = [member for _, listed in self.groups.values() for member in listed] + list(members)
        need(len(set(known)) == len(known), f"a member of {name} is a member twice")

    def accepts(self, note):
        """The checkpoint, signed by a log of the policy and cosigned by its quorum, and each witness's time."""
        logs = [log for log in self.logs if note.by(log)]
        need(logs, "no log of the policy has signed")
        checkpoint = [Checkpoint.signed(note, log) for log in logs][0]
        times = {name: cosigned(note, key) for name, key in self.witnesses.items()}
        times = {name: time for name, time in times.items() if time is not None}
        need(self.quorum == "none" or self.reached(self.quorum, times), "the quorum has not cosigned")
        return checkpoint, times

    def reached(self, name, times):
        if name not in self.groups:
            return name in times
        count, members = self.groups[name]
        return sum(self.reached(member, times) for member in members) >= count


# The Merkle tree (RFC 6962, section 2.1)


def leaf_hash(entry):
    return sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return sha256(b"\1" + left + right).digest()


def split(size):
    """The largest power of two smaller than the size."""
    return 1 << (size - 1).bit_length() - 1


class Tree:
    """A tree of leaf hashes."""

    def __init__(self, leaves):
        self.leaves = list(leaves)
        self.root = lru_cache(maxsize=None)(self.root)

    def root(self, start=0, end=None):
        """`MTH(D[start:end])`."""
        end = len(self.leaves) if end is None else end
        if end - start < 2:
            return self.leaves[start] if end > start else sha256().digest()
        middle = start + split(end - start)
        return node_hash(self.root(start, middle), self.root(middle, end))

    def consistency(self, old, start=0, end=None, whole=True):
        """`SUBPROOF(old, D[start:end], whole)`, section 2.1.2."""
        end = len(self.leaves) if end is None else end
        if old == end - start:
            return [] if whole else [self.root(start, end)]
        middle = start + split(end - start)
        if old <= middle - start:
            return self.consistency(old, start, middle, whole) + [self.root(middle, end)]
        return self.consistency(old - (middle - start), middle, end, False) + [self.root(start, middle)]


def included(leaf, index, size, path):
    """The root that a leaf and its audit path lead to: section 2.1.1, read backwards."""
    need(index < size and (size > 1 or not path), "the path is for another place")
    if size == 1:
        return leaf
    need(path, "the path is too short")
    *below, sibling = path
    half = split(size)
    if index < half:
        return node_hash(included(leaf, index, half, below), sibling)
    return node_hash(sibling, included(leaf, index - half, size - half, below))


# tlog-tiles


def tiles(size):
    """Level, index and width of each tile of a tree of this size."""
    level = 0
    while (hashes := size >> 8 * level) > 0:
        yield from ((level, index, min(256, hashes - 256 * index)) for index in range((hashes + 255) // 256))
        level += 1


def tile_path(level, index, width):
    elements = re.findall("...", str(index).zfill(-(-len(str(index)) // 3) * 3))
    path = "/".join(["x" + element for element in elements[:-1]] + elements[-1:])
    return f"tile/{level}/{path}" + (f".p/{width}" if width < 256 else "")


def hashes_of(tile):
    need(len(tile) % 32 == 0, "a tile ends within a hash")
    return [tile[at:at + 32] for at in range(0, len(tile), 32)]


def entries_of(bundle):
    """The entries of a bundle: each after its length, in two bytes."""
    while bundle:
        length = int.from_bytes(bundle[:2])
        need(len(bundle) >= 2 + length, "a bundle ends within an entry")
        yield bundle[2:2 + length]
        bundle = bundle[2 + length:]


# tlog-proof


def proved(proof, entry, policy):
    """The checkpoint that a proof puts an entry under, the entry's index, and each witness's time."""
    head, blank, note = proof.partition("\n\n")
    header, *lines = head.split("\n")
    need(blank and header == "c2sp.org/tlog-proof@v1", "this is no proof")
    if lines and lines[0].startswith("extra "):
        unbase64(lines.pop(0).removeprefix("extra "))
    need(lines and lines[0].startswith("index "), "the proof has no index")
    index = decimal(lines[0].removeprefix("index "))
    checkpoint, times = policy.accepts(Note.read(note))
    root = included(leaf_hash(entry), index, checkpoint.size, [unbase64(line, 32) for line in lines[1:]])
    need(root == checkpoint.root, "the entry is not in the tree of the checkpoint")
    return checkpoint, index, times
