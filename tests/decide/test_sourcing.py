import pytest

from reconciler.decide.sourcing import Available, available
from reconciler.model.plan import Absent, Hold, Waiting
from tests.support.declared import desired, file, found, remote

A, B = file("a"), file("b")


def ask(answer, *files):
    wanted = files or (A,)
    return available(desired(*wanted), tuple(wanted), answer)


def test_the_release_is_narrowed_to_the_approved_files_in_their_order():
    got = ask(found({"0.9": ["a"], "1.0.0": ["c", "b", "a"]}), A, B)
    assert isinstance(got, Available)
    assert got.release.version.text == "1.0.0", "versions are compared, not spellings"
    assert [f.name for f in got.release.files] == ["a", "b"]
    assert got.upstream == "./public"


@pytest.mark.parametrize("said", [{}, {"sha256": None}, {"size": None}, {"sha256": None, "size": None}])
def test_what_an_index_does_not_say_contradicts_nothing(said):
    assert isinstance(ask(found({"1.0": [remote("a", **said)]})), Available)


def test_a_re_signed_package_is_judged_by_its_bytes():
    signed = file("a", content_hash="H")
    assert isinstance(ask(found({"1.0": [remote("a", sha256=B.sha256, size=99)]}), signed), Available)


@pytest.mark.parametrize(
    ("answer", "reason", "waiting"),
    [
        (None, "the source feed was not asked", True),
        (Waiting(reason="./public: timed out"), "public does not answer: ./public: timed out", True),
        (Absent(reason="./public: 404"), "public does not have pkg: ./public: 404", False),
        (found({"2.0": ["a"]}), "public does not have version 1 of pkg", False),
        (found({"1.0": ["c"]}), "public does not have a", False),
        (
            found({"1.0": [remote("a", sha256=B.sha256)]}),
            f"public now announces other content than was approved: a has sha256 {B.sha256}, approved is {A.sha256}",
            False,
        ),
        (
            found({"1.0": [remote("a", sha256=None, size=1)]}),
            f"public now announces other content than was approved: a has 1 bytes, approved are {A.size}",
            False,
        ),
    ],
)
def test_what_stands_in_the_way(answer, reason, waiting):
    hold = ask(answer)
    assert isinstance(hold, Hold)
    assert (hold.kind, hold.reason, hold.waiting) == ("upstream", reason, waiting)
    assert (hold.feed, hold.package, hold.version, hold.path) == ("approved", "pkg", "1", "approvals/approved/pkg/1.yaml")
    assert hold.remedy.startswith("nothing is lost" if waiting else "correct or withdraw")


def test_all_missing_files_are_named():
    hold = ask(found({"1.0": ["c"]}), A, B)
    assert isinstance(hold, Hold)
    assert hold.reason == "public does not have a, b"
