"""Every format: what a tiny lock file of it names, with which digests, and what of it no feed could have."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.integrity import integrity_of
from reconciler.errors import NotFound, Refused
from reconciler.propose.locks import FORMATS, format_of, read_lock
from reconciler.propose.locks.interface import Claim, Lock
from reconciler.propose.locks.wanted import wanted

HEX = {letter: letter * 64 for letter in "abc"}
SRI = {letter: integrity_of("sha256", bytes.fromhex(digits)) for letter, digits in HEX.items()}
SHA512 = integrity_of("sha512", hashlib.sha512(b"x").digest())
CONTENT = base64.b64encode(hashlib.sha512(b"y").digest()).decode()

REQUIREMENTS = f"""\
# what the shop runs on
--index-url https://feeds.example/simple/
--require-hashes
-c constraints.txt
rich[jupyter]==15.0.0 ; python_version >= "3.9" \\
    --hash=sha256:{HEX["a"]} \\
    --hash=sha256:{HEX["b"]}
    # via shop
attrs === 26.1.0  # the exact one
idna==3.1,>=2
certifi>=2024
urllib3==2.*
requests
-e .
./vendor/thing.whl
vendor/other-1.0.tar.gz
tool @ https://downloads.example/tool-1.0-py3-none-any.whl
git+https://forge.example/acme/tool.git@v1
"""
PYLOCK = f"""\
lock-version = "1.0"
created-by = "a test"
[[packages]]
name = "rich"
version = "15.0.0"
wheels = [{{ url = "https://files.example/a/rich-15.0.0%2Blocal-py3-none-any.whl?x=1#y", hashes = {{ sha256 = "{HEX["a"]}", md5 = "00" }} }}]
sdist = {{ name = "rich-15.0.0.tar.gz", hashes = {{ sha256 = "{HEX["b"]}" }} }}
[[packages]]
name = "attrs"
version = "26.1.0"
[[packages]]
name = "shop"
directory = {{ path = "." }}
[[packages]]
name = "tool"
vcs = {{ type = "git", url = "https://forge.example/acme/tool.git", commit-id = "0" }}
[[packages]]
name = "loose"
"""
UV = f"""\
version = 1
revision = 3
requires-python = ">=3.11"
[[package]]
name = "shop"
version = "0.1.0"
source = {{ editable = "." }}
[[package]]
name = "rich"
version = "15.0.0"
source = {{ registry = "https://feeds.example/simple" }}
sdist = {{ url = "https://files.example/rich-15.0.0.tar.gz", hash = "sha256:{HEX["a"]}", size = 1 }}
wheels = [{{ url = "https://files.example/rich-15.0.0-py3-none-any.whl", hash = "sha256:{HEX["b"]}" }}]
[[package]]
name = "tool"
version = "1.0"
source = {{ git = "https://forge.example/acme/tool.git?rev=v1#0" }}
"""
NPM = json.dumps(
    {
        "name": "shop",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "shop", "version": "1.0.0"},
            "packages/ui": {"name": "@acme/ui", "version": "1.0.0"},
            "node_modules/@acme/ui": {"resolved": "packages/ui", "link": True},
            "node_modules/@babel/core": {"version": "7.0.0", "resolved": "https://r.example/core-7.0.0.tgz", "integrity": SHA512},
            "node_modules/a/node_modules/b": {"version": "2.0.0", "dev": True},
            "node_modules/old-b": {"name": "b", "version": "1.0.0"},
            "node_modules/a/node_modules/inside": {"version": "1.0.0", "inBundle": True},
            "node_modules/folder": {"version": "1.0.0", "resolved": "file:../folder"},
            "node_modules/fork": {"version": "1.0.0", "resolved": "git+ssh://git@forge.example/acme/fork.git#0"},
        },
    }
)
NUGET = json.dumps(
    {
        "version": 2,
        "dependencies": {
            "net8.0": {
                "Serilog": {"type": "Direct", "requested": "[4.0.0, )", "resolved": "4.0.0", "contentHash": CONTENT},
                "Leaf": {"type": "Transitive", "resolved": "1.1.0"},
                "shop.core": {"type": "Project", "dependencies": {"Serilog": "[4.0.0, )"}},
            },
            "net8.0/win-x64": {"Central": {"type": "CentralTransitive", "resolved": "2.0.0"}},
        },
    }
)
CONFIG = '<?xml version="1.0" encoding="utf-8"?><packages><package id="jQuery" version="3.7.1" targetFramework="net48"/><package id="Loose"/></packages>'

ROWS = {
    "requirements.txt": (
        REQUIREMENTS,
        ["rich 15.0.0", "attrs 26.1.0", "idna 3.1"],
        [
            *("unpinned certifi>=2024", "unpinned urllib3==2.*", "unpinned requests"),
            *("local .", "local ./vendor/thing.whl", "local vendor/other-1.0.tar.gz"),
            *("foreign tool", "foreign git+https://forge.example/acme/tool.git@v1"),
        ],
        {Claim(integrity=frozenset({SRI["a"], SRI["b"]}))},
    ),
    "pylock.toml": (
        PYLOCK,
        ["rich 15.0.0", "attrs 26.1.0"],
        ["local shop", "foreign tool", "unpinned loose"],
        {
            Claim(file="rich-15.0.0+local-py3-none-any.whl", integrity=frozenset({SRI["a"]})),
            Claim(file="rich-15.0.0.tar.gz", integrity=frozenset({SRI["b"]})),
        },
    ),
    "uv.lock": (
        UV,
        ["rich 15.0.0"],
        ["local shop", "foreign tool"],
        {
            Claim(file="rich-15.0.0.tar.gz", integrity=frozenset({SRI["a"]})),
            Claim(file="rich-15.0.0-py3-none-any.whl", integrity=frozenset({SRI["b"]})),
        },
    ),
    "package-lock.json": (
        NPM,
        ["@babel/core 7.0.0", "b 2.0.0", "b 1.0.0"],
        ["local @acme/ui", "local @acme/ui", "local inside", "local folder", "foreign fork"],
        {Claim(integrity=frozenset({SHA512}))},
    ),
    "packages.lock.json": (
        NUGET,
        ["Serilog 4.0.0", "Leaf 1.1.0", "Central 2.0.0"],
        ["local shop.core"],
        {Claim(content_hash=CONTENT)},
    ),
    "packages.config": (CONFIG, ["jQuery 3.7.1"], ["unpinned Loose"], set()),
}


def lock_of(format_: str, text: str | bytes) -> Lock:
    return read_lock(format_, text if isinstance(text, bytes) else text.encode(), FORMATS[format_])


@pytest.mark.parametrize("format_", FORMATS)
def test_what_a_lock_file_names_and_what_of_it_no_feed_could_have(format_):
    text, pins, aside, claims = ROWS[format_]
    lock = lock_of(format_, text)
    assert [f"{pin.name} {pin.version}" for pin in lock.pins] == pins
    assert [f"{one.kind} {one.name}" for one in lock.aside] == aside
    assert {claim for pin in lock.pins for claim in pin.claims} == claims
    assert all(pin.place for pin in lock.pins)
    assert all(one.place for one in lock.aside)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_changes_nothing(format_, encoding):
    text, *_ = ROWS[format_]
    assert lock_of(format_, text.encode(encoding)) == lock_of(format_, text)


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("requirements.txt", "requirements.txt"),
        ("requirements-dev.txt", "requirements.txt"),
        ("requirements-dev.lock", "requirements.txt"),
        ("Constraints.txt", "requirements.txt"),
        ("pylock.toml", "pylock.toml"),
        ("pylock.dev.toml", "pylock.toml"),
        ("uv.lock", "uv.lock"),
        ("package-lock.json", "package-lock.json"),
        ("npm-shrinkwrap.json", "package-lock.json"),
        ("packages.lock.json", "packages.lock.json"),
        ("packages.shop.lock.json", "packages.lock.json"),
        ("packages.config", "packages.config"),
    ],
)
def test_a_format_is_known_by_the_name_of_the_file(name, format_):
    assert format_of(name) == format_


def test_a_name_that_says_nothing_is_told_how_to_say_it():
    with pytest.raises(NotFound, match=r"'poetry\.lock' is not the name") as caught:
        format_of("poetry.lock")
    assert caught.value.remedy == f"say --lock-format with one of: {', '.join(FORMATS)}"


def test_a_version_at_several_places_is_one_with_all_that_they_say_of_it():
    text = f"Leaf_x==1.0 --hash=sha256:{HEX['a']}\nleaf.X==1 --hash=sha256:{HEX['b']}\n"
    (one,) = wanted("r.txt", lock_of("requirements.txt", text), ECOSYSTEMS["pypi"])
    assert (one.name, one.package, one.place) == ("Leaf_x", "leaf-x", "line 1")
    assert one.claims == {Claim(integrity=frozenset({SRI[letter]})) for letter in "ab"}


def test_what_is_no_version_of_the_ecosystem_is_refused_with_its_place():
    lock = lock_of("requirements.txt", "a==1\nb===not.a.version\n")
    with pytest.raises(Refused, match=r"^r\.txt: line 2: "):
        wanted("r.txt", lock, ECOSYSTEMS["pypi"])
