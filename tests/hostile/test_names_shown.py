"""Names that were made to deceive, through the commands: refused before anything is written, and inert where they are shown."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.cli.place import Done, Place, make_place
from tests.hostile.test_manifests import NAMES
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.wheels import core_metadata, wheel, wheel_name

LONGEST_OUTPUT: Final = 10_000
SIMPLE_JSON: Final = "application/vnd.pypi.simple.v1+json"
SOME: Final = {key: name for key, name in NAMES.items() if name}
GOOD: Final = wheel_name("leaf", "1.2")


def inert(done: Done) -> bool:
    """Whether a terminal shows what was written, and a log has no other lines than those that were meant."""
    text = done.out + done.err
    lines = text.split("\n")
    return len(text) < LONGEST_OUTPUT and all(line.isprintable() for line in lines) and not any(line.startswith("::") for line in lines)


@pytest.fixture
def place(tmp_path) -> Place:
    return make_place(tmp_path / "place")


@pytest.mark.parametrize("feed", ["approved-pypi", "approved-nuget"])
@pytest.mark.parametrize("name", SOME.values(), ids=list(SOME))
def test_a_hostile_name_on_the_command_line_is_refused(place, feed, name):
    done = place.run("approve", feed, name, "-m", "MIT")
    assert done.code == 64
    assert inert(done)
    assert not (place.root / "approvals").exists()


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_package_that_calls_itself_something_hostile_is_not_approved(place, name):
    metadata = core_metadata("leaf", "9.0").replace(b"Name: leaf", b"Name: " + name.encode("utf-8", "surrogatepass"))
    (place.root / "upstream/pypi" / wheel_name("leaf", "9.0")).write_bytes(wheel("leaf", "9.0", metadata=metadata))
    done = place.run("approve", "approved-pypi", "leaf@9.0", "-m", "MIT")
    assert done.code == 64
    assert inert(done)
    assert not (place.root / "approvals").exists()


def listing(*files: dict[str, Any]) -> Answer:
    body = {"meta": {"api-version": "1.1"}, "name": "leaf", "versions": ["1.2"], "files": files}
    return Answer(headers={"Content-Type": SIMPLE_JSON}, body=json.dumps(body).encode())


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_an_index_that_lists_hostile_names_is_shown_inertly(place, name):
    """File names, marks and reasons of an index reach `approve`, `plan` and `apply`; only the sound file is offered."""
    data = wheel("leaf", "1.2")
    with FaultyServer() as server:
        place.write("feeds.yaml", (place.root / "feeds.yaml").read_text().replace("./upstream/pypi", f"{server.url}/simple/"))
        sound = {"filename": GOOD, "url": f"/files/{GOOD}", "hashes": {}, "size": len(data)}
        hostile = {"filename": f"{name}-1.2-py3-none-any.whl", "url": "/files/x", "hashes": {}, "yanked": f"because {name}"}
        server.answers["/simple/leaf/"] = [listing(sound, hostile)]
        server.answers[f"/files/{GOOD}"] = [Answer(body=data)]
        done = place.run("approve", "approved-pypi", "leaf@1.2", "-m", "MIT")
        assert inert(done)
        assert (done.code, place.store_bytes()) == (0, {})
        assert [path.name for path in sorted(place.root.glob("approvals/*/*/*"))] == ["1.2.yaml"]
        place.commit("Approve")
        server.answers["/simple/leaf/"] = [listing({**sound, "yanked": f"because {name}"})]
        for command in ("plan", "apply", "history", "check"):
            assert inert(place.run(command))
        assert [path.name for path in sorted((place.root / ".feeds/feeds/approved-pypi/files/leaf/1.2").iterdir())] == [
            GOOD,
            f"{GOOD}.metadata",
        ]


@pytest.mark.parametrize("name", SOME.values(), ids=list(SOME))
def test_an_archive_that_is_refused_is_told_inertly(place, name):
    """Upstream serves an approved file whose inside calls itself something else."""
    metadata = core_metadata("leaf", "1.2").replace(b"Name: leaf", b"Name: " + name.encode("utf-8", "surrogatepass"))
    data = wheel("leaf", "1.2", metadata=metadata)
    with FaultyServer() as server:
        place.write("feeds.yaml", (place.root / "feeds.yaml").read_text().replace("./upstream/pypi", f"{server.url}/simple/"))
        server.answers["/simple/leaf/"] = [listing({"filename": GOOD, "url": f"/files/{GOOD}", "hashes": {}, "size": len(data)})]
        server.answers[f"/files/{GOOD}"] = [Answer(body=data)]
        done = place.run("approve", "approved-pypi", "leaf@1.2", "-m", "MIT")
    assert done.code == 5
    assert inert(done)
    assert not (place.root / "approvals").exists()
