"""SSH public keys as text and as bytes: which texts are one, and which key an SSH signature names. Nothing is verified here.

A public key is a word for its type and, in base64, its fields with a length before each (RFC 4253 section 6.6, RFC 5656, RFC 8709;
https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f for security keys). A signature holds the key that it claims to be
by, and a namespace (https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig). A key is known by its bytes, so only the
one spelling that OpenSSH itself writes is taken: two spellings of one key would be two fingerprints.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

ED25519_BYTES: Final = 32
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384
"""OpenSSH reads no longer one; shorter ones are within reach of whoever has many computers."""
MIN_RSA_EXPONENT: Final = 3
UNCOMPRESSED: Final = 4
"""The first byte of a point of a curve that is written with both coordinates: the only form in SSH."""
CURVES: Final = {"nistp256": 32, "nistp384": 48, "nistp521": 66}
"""Bytes of a coordinate."""
KEY_TYPES: Final = (
    "ssh-ed25519",
    *(f"ecdsa-sha2-{curve}" for curve in CURVES),
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
ANY_KEY: Final = f"a public key as in a .pub file: one of {', '.join(KEY_TYPES)}, then base64"
CERTIFICATE: Final = "-cert-v01@openssh.com"
SIGNATURE_MAGIC: Final = b"SSHSIG"
SIGNATURE_VERSION: Final = 1
NAMESPACE: Final = b"git"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of one of `KEY_TYPES`, by its bytes."""

    type: str
    blob: bytes

    @property
    def text(self) -> str:
        """Type and base64, without a comment."""
        return f"{self.type} {b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.blob)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoKey:
    """A text that is not taken as a signing key. `found` is what it is instead, "" where the text itself tells that best."""

    expected: str
    found: str = ""


def fingerprint_of(blob: bytes) -> str:
    """The digest of a key's bytes, as OpenSSH writes it: SHA-256 in base64, without padding."""
    return f"SHA256:{b64encode(sha256(blob).digest()).decode().rstrip('=')}"


def public_key(text: str) -> PublicKey | NoKey:
    """The key in one line of a `.pub` file: type, base64, perhaps a comment; or what is wrong with it."""
    if "PRIVATE KEY" in text:
        remedy = "the line in the .pub file of a new pair, since this one is no secret any more"
        return NoKey(found="a private key", expected=remedy)  # nothing of it is shown
    words = text.split()
    type_ = words[0] if words else ""
    if type_.endswith(CERTIFICATE):
        return NoKey(found="a certificate", expected="the public key that it is about")
    if type_ == "ssh-dss":
        return NoKey(found="a DSA key (ssh-dss), which OpenSSH does not read any more", expected=ANY_KEY)
    blob = _decoded(words[1]) if len(words) > 1 and "\n" not in text.strip() else None
    if type_ not in KEY_TYPES or blob is None:
        return NoKey(expected=ANY_KEY)
    fields = _fields(blob)
    if not fields or fields[0] != type_.encode() or not _is_sound(type_, fields[1:]):
        return NoKey(expected=f"base64 that holds a key of type {type_}")
    bits = _bits(fields[2]) if type_ == "ssh-rsa" else MIN_RSA_BITS
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        return NoKey(found=f"an RSA key of {bits} bits", expected=f"one of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, or another type")
    return PublicKey(type_, blob)


def key_of_signature(armoured: bytes) -> bytes | None:
    """The bytes of the key that an armoured signature of a commit names; None where it is none, or in another namespace.

    Nothing of it is verified: whoever writes a commit may name any key.
    """
    lines = armoured.strip().split(b"\n")
    if lines[0] != b"-----BEGIN SSH SIGNATURE-----" or lines[-1] != b"-----END SSH SIGNATURE-----":
        return None
    data = _decoded(b"".join(lines[1:-1]).decode("latin-1"))
    if data is None or not data.startswith(SIGNATURE_MAGIC + SIGNATURE_VERSION.to_bytes(4, "big")):
        return None
    fields = _fields(data[len(SIGNATURE_MAGIC) + 4 :])
    return fields[0] if fields and fields[1:2] == [NAMESPACE] else None


def _decoded(text: str) -> bytes | None:
    """Base64, spelled in the one way that an encoder spells it."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if b64encode(data).decode() == text else None


def _fields(data: bytes) -> list[bytes]:
    """Fields, each after its length in four bytes; none at all where the lengths do not add up to the data."""
    fields, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if at + 4 > len(data) or end > len(data):
            return []
        fields.append(data[at + 4 : end])
        at = end
    return fields


def _is_sound(type_: str, fields: list[bytes]) -> bool:
    """Whether a key of this type may have these fields after that of its type."""
    match type_, fields:
        case ("ssh-ed25519", [point]) | ("sk-ssh-ed25519@openssh.com", [point, _]):
            return len(point) == ED25519_BYTES
        case "ssh-rsa", [exponent, modulus]:
            return _is_number(exponent) and _is_number(modulus) and _is_rsa(int.from_bytes(exponent, "big"))
        case "sk-ecdsa-sha2-nistp256@openssh.com", [b"nistp256", point, _]:
            return _is_point(point, CURVES["nistp256"])
        case _, [curve, point]:
            name = curve.decode("latin-1")
            return type_ == f"ecdsa-sha2-{name}" and _is_point(point, CURVES[name])
        case _:
            return False


def _is_point(field: bytes, size: int) -> bool:
    return len(field) == 1 + 2 * size and field[0] == UNCOMPRESSED


def _bits(field: bytes) -> int:
    return int.from_bytes(field, "big").bit_length()


def _is_number(field: bytes) -> bool:
    """Whether it is a positive number in as few bytes as there can be (RFC 4251 section 5, mpint)."""
    number = int.from_bytes(field, "big")
    return number > 0 and field == number.to_bytes(number.bit_length() // 8 + 1, "big")


def _is_rsa(exponent: int) -> bool:
    """With an exponent of 1 everybody could sign."""
    return exponent >= MIN_RSA_EXPONENT and exponent % 2 == 1
