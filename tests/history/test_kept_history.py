"""The cache of the history: whatever has become of it, `history` and `plan` answer what they answer without one, byte for byte."""

from __future__ import annotations

import hashlib
import os
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.place import make_place
from tests.history.stories import ADA, GRACE, LEAF, MALLORY, PERMISSIONS_FILE, Place, approve, edit, merge, other_digest, switch, text

COMMANDS = (("history", "--format", "json"), ("plan", "--format", "json"), ("explain", "approved-pypi", "leaf", "1.2"))
CLOCK = re.compile(r'"clock": "[^"]*"')
DIGEST_BYTES = 32


@pytest.fixture
def told_place(place: Place) -> Place:
    """A history with a merge, a change of the rules, a held approval and a reformatted one."""
    switch(place, "request", new=True)
    approve(place, "leaf", by=MALLORY)
    switch(place, "main")
    approve(place, "sample", by=ADA)
    merge(place, "request", by=GRACE)
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[ada]")
    place.commit("Grace does something else now", by=ADA)
    place.write(LEAF, "# tidy\n" + text(place, LEAF))
    place.commit("Tidy up", by=MALLORY)
    approve(place, "Leaf", by=GRACE, feed="approved-nuget")
    return place


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """All answers of a place with a cache folder, or (None) with none that could be made."""

    def answers(place: Place, cache: Path | None, ref: str = "HEAD") -> list[str]:
        monkeypatch.setenv("RECONCILER_CACHE", str(cache or Path(os.devnull) / "none"))
        found = []
        for command in COMMANDS:
            done = place.run(*command, "--ref", ref)
            assert done.code == 0, done.err
            found.append(CLOCK.sub("", done.out))
        return found

    return answers


def file_in(cache: Path) -> Path:
    (file,) = (cache / "history").iterdir()
    return file


def with_digest(content: bytes) -> bytes:
    return content + hashlib.sha256(content).digest()


# --- damage -----------------------------------------------------------------------------------------------------------------------


def test_the_cache_is_used_at_all(told_place, cache, ask):
    """Else the rest would prove nothing: a file that lies, with a digest that fits, is believed."""
    assert ask(told_place, cache) == ask(told_place, None)
    database = sqlite3.connect(":memory:")
    database.deserialize(file_in(cache).read_bytes()[:-DIGEST_BYTES])
    with database:
        database.execute("DELETE FROM touches")
    file_in(cache).write_bytes(with_digest(database.serialize()))
    database.close()
    assert ask(told_place, cache) != ask(told_place, None)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_none(told_place, cache, ask, share):
    ask(told_place, cache)
    whole = file_in(cache).read_bytes()
    file_in(cache).write_bytes(whole[: int(len(whole) * share)])
    assert ask(told_place, cache) == ask(told_place, None)
    assert file_in(cache).read_bytes() == whole, "and it is whole again"


@pytest.mark.parametrize("content", [b"", b"no database", b"\0" * 100_000, with_digest(b"no database"), with_digest(b"")])
def test_garbage_is_none(told_place, cache, ask, content):
    ask(told_place, cache)
    file_in(cache).write_bytes(content)
    assert ask(told_place, cache) == ask(told_place, None)


def test_one_altered_byte_anywhere_is_garbage(told_place, cache, ask):
    expected = ask(told_place, None)
    ask(told_place, cache)
    whole = file_in(cache).read_bytes()
    places = random.Random(4)  # noqa: S311 - the same places each time
    for _ in range(6):
        at = places.randrange(len(whole))
        file_in(cache).write_bytes(whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :])
        assert ask(told_place, cache) == expected, at


def test_a_deleted_file_and_a_deleted_folder_are_made_again(told_place, cache, ask):
    expected = ask(told_place, None)
    assert ask(told_place, cache) == expected
    file_in(cache).unlink()
    assert ask(told_place, cache) == expected
    file_in(cache).unlink()
    (cache / "history").rmdir()
    assert ask(told_place, cache) == expected
    assert file_in(cache).exists()


def test_a_file_of_another_format_is_none(told_place, cache, ask):
    ask(told_place, cache)
    database = sqlite3.connect(":memory:")
    database.deserialize(file_in(cache).read_bytes()[:-DIGEST_BYTES])
    with database:
        database.execute("UPDATE known SET format = format + 1")
        database.execute("DELETE FROM touches")
    file_in(cache).write_bytes(with_digest(database.serialize()))
    database.close()
    assert ask(told_place, cache) == ask(told_place, None)


# --- other histories --------------------------------------------------------------------------------------------------------------


def test_the_file_of_another_repository_is_none(told_place, cache, ask, tmp_path):
    other = make_place(tmp_path / "other")
    other.commit("Other from the beginning on", by=GRACE)
    other_root = other.git("rev-list", "--max-parents=0", "HEAD")
    approve(other, "leaf", by=GRACE)
    ask(other, cache)
    theirs = file_in(cache).read_bytes()
    file_in(cache).unlink()
    ask(told_place, cache)
    assert file_in(cache).name != f"history-{other_root}.sqlite" or other_root == told_place.git("rev-list", "--max-parents=0", "HEAD")
    file_in(cache).write_bytes(theirs)
    assert ask(told_place, cache) == ask(told_place, None)


def test_forks_with_one_root_share_a_file_and_each_has_its_own_answers(told_place, cache, ask, tmp_path):
    fork = Place(tmp_path / "fork")
    told_place.git("clone", "-q", str(told_place.root), str(fork.root))
    (fork.root / "upstream").symlink_to(told_place.root / "upstream")
    fork.git("reset", "-q", "--hard", "HEAD~2")
    other_digest(fork)
    fork.commit("Something of its own", by=GRACE)
    for _ in range(2):
        for one in (told_place, fork):
            assert ask(one, cache) == ask(one, None)
    assert len(list((cache / "history").iterdir())) == 1


def test_a_force_pushed_history_is_read_anew(told_place, cache, ask):
    ask(told_place, cache)
    told_place.git("reset", "-q", "--hard", "HEAD~4")
    for number in range(6):
        told_place.commit(f"Longer than before, {number}", by=ADA)
    approve(told_place, "leaf", by=ADA)
    assert ask(told_place, cache) == ask(told_place, None)
    told_place.git("reset", "-q", "--hard", "HEAD~8")
    approve(told_place, "leaf", by=GRACE)
    assert ask(told_place, cache) == ask(told_place, None)


def test_an_older_commit_is_read_as_of_then_and_takes_nothing_from_the_file(told_place, cache, ask):
    ask(told_place, cache)
    whole = file_in(cache).read_bytes()
    for back in (1, 2, 3):
        ref = f"HEAD~{back}"
        told = [CLOCK.sub("", told_place.run(*command, "--ref", ref).out) for command in COMMANDS]
        assert told == ask(told_place, None, ref)
        assert ask(told_place, cache, ref) == told
    assert file_in(cache).read_bytes() == whole


# --- several at once, and none ----------------------------------------------------------------------------------------------------


def _started(place: Place, cache: Path, *command: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "RECONCILER_CACHE": str(cache)}
    run = [sys.executable, "-m", "reconciler", "-C", str(place.root), *command]
    return subprocess.Popen(run, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_answer_as_one_alone(told_place, cache, ask):
    """Of different commits and of a branch that goes elsewhere, beginning with nothing."""
    told_place.git("switch", "-q", "-c", "elsewhere", "HEAD~2")
    for number in range(4):
        told_place.commit(f"Goes elsewhere, {number}", by=GRACE)
    switch(told_place, "main")
    refs = ["main", "elsewhere", "main~1", "main~3"]
    expected = {ref: ask(told_place, None, ref)[0] for ref in refs}
    running = [(ref, _started(told_place, cache, *COMMANDS[0], "--ref", ref)) for ref in refs * 2]
    for ref, process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err, out) == (0, "", expected[ref])
    assert [file.name[:8] for file in (cache / "history").iterdir()] == ["history-"], "nothing is left lying about"
    assert ask(told_place, cache) == ask(told_place, None)


@pytest.mark.parametrize("before", ["an empty folder", "an older file", "a damaged file"])
def test_a_read_only_folder_is_read_as_far_as_it_goes_and_left_alone(told_place, cache, ask, before):
    expected = ask(told_place, None)[0]
    (cache / "history").mkdir(parents=True)
    if before != "an empty folder":
        ask(told_place, cache)
    if before == "an older file":
        approve_later = told_place.root / "note.txt"
        approve_later.write_text("x")
        told_place.commit("Later", by=ADA)
    if before == "a damaged file":
        file_in(cache).write_bytes(b"garbage")
    kept = {file.name: file.read_bytes() for file in (cache / "history").iterdir()}
    for folder in (cache / "history", cache):
        folder.chmod(0o500)
    # Root writes wherever it likes; without this capability permissions bind it like everybody else.
    ordinary = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    run = [*ordinary, sys.executable, "-m", "reconciler", "-C", str(told_place.root), *COMMANDS[0]]
    environment = {**os.environ, "RECONCILER_CACHE": str(cache)}
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False, timeout=60)
    for folder in (cache, cache / "history"):
        folder.chmod(0o700)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", expected)
    assert {file.name: file.read_bytes() for file in (cache / "history").iterdir()} == kept
