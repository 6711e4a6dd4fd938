import subprocess
from base64 import b64decode, b64encode

import pytest

from reconciler.declare.ssh_keys import NoKey, PublicKey, key_of_signature, public_key
from tests.declare.test_permissions import ECDSA, ED25519, ED25519_PRINT

MODULUS = 1 << 2047 | 1


def fields(*parts):
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def text(type_, *parts, inside=None):
    return f"{type_} {b64encode(fields((inside or type_).encode(), *parts)).decode()}"


def number(value):
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def rsa(modulus=MODULUS, exponent=65537):
    return text("ssh-rsa", number(exponent), number(modulus))


POINT = b64decode(ECDSA.split()[1])[-65:]
SECURITY_KEY = text("sk-ssh-ed25519@openssh.com", b"p" * 32, b"ssh:")
SECURITY_ECDSA = text("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", POINT, b"ssh:")


@pytest.mark.parametrize(
    ("type_", "bits"), [("ed25519", None), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048), ("rsa", 3072)]
)
def test_what_ssh_keygen_makes_is_a_key_with_the_fingerprint_that_it_tells(keys, type_, bits):
    made = keys.make(f"{type_}-{bits}", type_, bits)
    found = public_key(made.file.with_suffix(".pub").read_text())
    assert isinstance(found, PublicKey)
    assert (found.text, found.fingerprint) == (made.public, made.fingerprint)


@pytest.mark.parametrize("line", [SECURITY_KEY, SECURITY_ECDSA, rsa(), rsa(1 << 2048 | 1), rsa(exponent=3)])
def test_other_keys_have_the_fingerprint_that_ssh_keygen_tells(line):
    found = public_key(line)
    assert isinstance(found, PublicKey)
    told = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=line, capture_output=True, text=True, check=True).stdout
    assert found.fingerprint == told.split()[1]


@pytest.mark.parametrize("line", [f"{ED25519} ada@laptop, the new one", f"{ED25519}\n", f"  {ED25519.replace(' ', '  ')}  "])
def test_comment_and_space_are_not_part_of_a_key(line):
    found = public_key(line)
    assert isinstance(found, PublicKey)
    assert (found.text, found.fingerprint) == (ED25519, ED25519_PRINT)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        ED25519.split()[1],
        ED25519.replace(" ", "\n"),
        f"{ED25519}\n{ED25519}",
        ED25519.replace("ssh-ed25519 ", "ssh-ed25519: "),
        f'namespaces="git" {ED25519}',
        f"ada@example.org {ED25519}",
        f"{ED25519}=",
        ED25519[:-1],
        ED25519[:-1] + "*",
        ECDSA.removesuffix("="),
        ECDSA.replace("t0=", "t1="),
        ED25519.replace("ssh-ed25519", "SSH-ED25519"),
        "ssh-ed448 AAAACXNzaC1lZDQ0OAAAAAF4",
    ],
)
def test_a_text_that_is_no_key(line):
    found = public_key(line)
    assert isinstance(found, NoKey)
    assert found.expected.startswith("a public key as in a .pub file: one of ssh-ed25519, ")


@pytest.mark.parametrize(
    ("type_", "line"),
    [
        ("ssh-rsa", ED25519.replace("ssh-ed25519", "ssh-rsa")),
        ("ssh-ed25519", text("ssh-ed25519", b"p" * 31)),
        ("ssh-ed25519", text("ssh-ed25519", b"p" * 32, b"")),
        ("ssh-ed25519", "ssh-ed25519 AAAA"),
        ("ssh-ed25519", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5////"),
        ("sk-ssh-ed25519@openssh.com", text("sk-ssh-ed25519@openssh.com", b"p" * 32)),
        ("ecdsa-sha2-nistp256", text("ecdsa-sha2-nistp256", b"nistp384", POINT)),
        ("ecdsa-sha2-nistp256", text("ecdsa-sha2-nistp256", b"nistp256", POINT[:33])),
        ("ecdsa-sha2-nistp256", text("ecdsa-sha2-nistp256", b"nistp256", b"\x02" + POINT[1:])),
        ("ecdsa-sha2-nistp384", text("ecdsa-sha2-nistp384", b"nistp384", POINT)),
        ("sk-ecdsa-sha2-nistp256@openssh.com", text("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", POINT)),
        ("sk-ecdsa-sha2-nistp256@openssh.com", text("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp384", POINT, b"ssh:")),
        ("ssh-rsa", text("ssh-rsa", number(65537))),
        ("ssh-rsa", text("ssh-rsa", number(65537), b"\0" + number(MODULUS))),
        ("ssh-rsa", text("ssh-rsa", number(65537), number(MODULUS)[1:])),
        ("ssh-rsa", text("ssh-rsa", b"", number(MODULUS))),
        ("ssh-rsa", rsa(exponent=1)),
        ("ssh-rsa", rsa(exponent=4)),
    ],
)
def test_base64_that_holds_no_key_of_its_type(type_, line):
    assert public_key(line) == NoKey(expected=f"base64 that holds a key of type {type_}")


@pytest.mark.parametrize("bits", [1024, 2047, 16385])
def test_rsa_keys_of_a_length_that_is_not_taken(bits):
    expected = NoKey(found=f"an RSA key of {bits} bits", expected="one of 2048 to 16384 bits, or another type")
    assert public_key(rsa(1 << (bits - 1) | 1)) == expected


def test_certificates_dsa_keys_and_private_keys_are_named_and_not_shown(keys):
    private = public_key(keys["ada"].file.read_text())
    assert isinstance(private, NoKey)
    assert private.found == "a private key"
    certificate = public_key("ssh-ed25519-cert-v01@openssh.com AAAA ada@laptop")
    assert certificate == NoKey(found="a certificate", expected="the public key that it is about")
    old = public_key("ssh-dss AAAAB3NzaC1kc3M= ada@laptop")
    assert isinstance(old, NoKey)
    assert old.found.startswith("a DSA key")


# --- signatures ---------------------------------------------------------------------------------------------------------------


def armour(data):
    return b"-----BEGIN SSH SIGNATURE-----\n" + b64encode(data) + b"\n-----END SSH SIGNATURE-----\n"


def test_the_key_that_a_signature_names(keys):
    blob = b64decode(keys["ada"].public.split()[1])
    assert key_of_signature(keys["ada"].sign(b"x")) == blob
    assert key_of_signature(keys["ada"].sign(b"x", namespace="file")) is None


SIGNATURE = b"SSHSIG\0\0\0\1" + fields(b"the key", b"git", b"", b"sha512", b"the signature")


@pytest.mark.parametrize(
    "armoured",
    [
        b"",
        b"-----BEGIN SSH SIGNATURE-----",
        armour(b""),
        armour(SIGNATURE)[:-10],
        armour(SIGNATURE).replace(b"U1NI", b"U1N*"),
        armour(SIGNATURE[:-1]),
        armour(SIGNATURE + b"\xff"),
        armour(SIGNATURE.replace(b"\0\0\0\1", b"\0\0\0\2", 1)),
        armour(SIGNATURE.replace(b"SSHSIG", b"SSHSIX")),
        armour(b"SSHSIG\0\0\0\1" + fields(b"the key")),
        armour(b"SSHSIG\0\0\0\1"),
        armour(SIGNATURE).replace(b"SSH", b"PGP"),
    ],
)
def test_what_is_no_signature_names_no_key(armoured):
    assert key_of_signature(armour(SIGNATURE)) == b"the key"
    assert key_of_signature(armoured) is None
