"""What is wrong, and what a user reads of it: a clear error, nothing lost, nothing half-written."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from reconciler.cli.session import upstreams
from reconciler.reconcile import Options, plan_pass
from reconciler.stores import open_store
from reconciler.wire import Timeouts, Wire
from tests.cli.place import MALLORY, Done, Place, make_place
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.reading import declaration_of, reader_of, surroundings
from tests.support.wheels import wheel, wheel_name

LEAF = "approvals/approved-pypi/leaf/1.2.yaml"
SAMPLE = "approvals/approved-pypi/sample/1.0.yaml"


@pytest.fixture
def stocked(place: Place) -> Place:
    """The place with two packages approved and applied."""
    place.run("approve", "approved-pypi", "sample", "leaf", "-m", "MIT")
    place.commit("Approve")
    assert place.run("apply").code == 0
    return place


def unchanged(place: Place, *arguments: str) -> Done:
    before = place.store_bytes()
    done = place.run(*arguments)
    assert place.store_bytes() == before
    return done


# --- the declaration --------------------------------------------------------------------------------------------------------------

GOOD = "from: public-pypi\nreason: MIT\nfiles:\n  leaf-1.2-py3-none-any.whl: {size: 10, sha256: " + "a" * 64 + "}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from: [public-pypi\n", f"{LEAF}:2: "),
        (GOOD + "reason: again\n", f"{LEAF}:5: reason: found the key a second time (first in line 2), expected "),
        (GOOD.replace("MIT", "&a MIT"), f"{LEAF}:2: reason: found an anchor"),
        ("a: &a [x,x]\nb: &b [*a,*a]\n" + "".join(f"c{i}: [*b,*b]\n" for i in range(50)), f"{LEAF}:1: a: found an anchor"),
        (GOOD + "surprise: yes\n", f"{LEAF}:5: surprise: found an unknown key, expected one of: "),
        (GOOD.replace("size: 10", "size: ten"), f"{LEAF}:4: files['leaf-1.2-py3-none-any.whl'].size: found 'ten', expected "),
        (GOOD.replace("public-pypi", "public-nuget"), f"{LEAF}:1: "),
        (GOOD.replace("reason: MIT\n", ""), f"{LEAF}:1: reason: found nothing (missing key), expected "),
    ],
)
def test_a_malformed_approval_freezes_its_package_only(stocked, text, line):
    stocked.write(LEAF, text)
    stocked.offer_wheel("other", "1.0")
    stocked.run("approve", "approved-pypi", "other", "-m", "MIT")
    stocked.commit("Break one, add one")
    before = (stocked.root / ".feeds/feeds/approved-pypi/simple/leaf/index.html").read_bytes()
    check = stocked.run("check")
    assert check.code == 4
    told = check.err.splitlines()[0]
    assert told.startswith(line), told
    done = stocked.run("apply", "--format", "json")
    assert (done.code, done.json["outcome"]) == (4, "invalid")
    assert [c["package"] for c in done.json["applied"]] == ["other"]
    assert {(h["kind"], h["path"]) for h in done.json["holds"]} == {("malformed", LEAF)}
    assert (stocked.root / ".feeds/feeds/approved-pypi/simple/leaf/index.html").read_bytes() == before


def test_every_error_of_a_tree_is_told_at_once(place):
    place.write("feeds.yaml", "store: ./.feeds\nfeeds:\n  Bad_Name: {type: cobol, usage: proxy}\n")
    place.write(LEAF, GOOD + "surprise: x\n")
    place.write("policies/permissions.yaml", "permissions:\n  - {allow: fly, user: everyone}\n")
    place.commit("Break everything")
    done = place.run("check")
    assert done.code == 4
    for path in ("feeds.yaml:3", f"{LEAF}:5", "policies/permissions.yaml:2"):
        assert path in done.err
    assert unchanged(place, "apply").code == 4


def test_what_is_text_stays_text(place):
    place.offer_wheel("leaf", "1.10")
    assert place.run("approve", "approved-pypi", "leaf", "1.10", "-m", "no").code == 0
    place.commit("Approve leaf 1.10")
    (change,) = place.run("plan", "--format", "json").json["changes"]
    assert (change["version"], change["reason"]) == ("1.10", "no")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("approvals/approved-pypi/../../../escape/1.2.yaml", None),
        ("approvals/approved-pypi/%2e%2e/1.2.yaml", "expected "),
        ("approvals/approved-pypi/a%2Fb/1.2.yaml", "expected "),
        ("approvals/approved-pypi/leaf/1.2.yml", "expected "),
        ("approvals/nowhere/leaf/1.2.yaml", "found the unknown feed 'nowhere' in the path"),
        ("approvals/public-pypi/leaf/1.2.yaml", "expected "),
        ("approvals/approved-pypi/le af/1.2.yaml", "expected "),
        ("approvals/approved-pypi/leaf/version.yaml", "expected "),
    ],
)
def test_a_path_that_means_nothing_good_is_told(place, path, told):
    if told is None:
        with pytest.raises(subprocess.CalledProcessError):  # git itself refuses such a path
            place.git("update-index", "--add", "--cacheinfo", f"100644,{'a' * 40},{path}")
        return
    place.write(path, GOOD)
    place.commit("Add it")
    done = place.run("check")
    assert done.code == 4
    assert done.err.startswith(f"{path}:1: ")
    assert told in done.err
    assert place.run("apply").code == 4


def test_a_symlink_is_no_approval(stocked):
    (stocked.root / LEAF).unlink()
    (stocked.root / LEAF).symlink_to("../../../feeds.yaml")
    stocked.commit("Link")
    done = stocked.run("check")
    assert (done.code, done.err.splitlines()[0]) == (4, f"{LEAF}:1: found a symbolic link, expected a regular file")
    assert stocked.run("apply").code == 4


@pytest.mark.parametrize("linked", ["approvals", "approvals/approved-pypi", "approvals/approved-pypi/leaf"])
def test_nothing_is_written_through_a_link_that_a_branch_brought(place, tmp_path, linked):
    outside = tmp_path / "outside"
    outside.mkdir()
    (place.root / linked).parent.mkdir(parents=True, exist_ok=True)
    (place.root / linked).symlink_to(outside)
    done = place.run("approve", "approved-pypi", "leaf", "-m", "MIT")
    assert (done.code, list(outside.iterdir())) == (64, [])
    assert "a symbolic link stands in the path" in done.err


def test_two_spellings_of_one_package_are_both_wrong(stocked):
    stocked.write("approvals/approved-pypi/LEAF/1.2.0.yaml", (stocked.root / LEAF).read_text())
    stocked.commit("Approve it twice")
    done = stocked.run("check")
    assert done.code == 4
    assert "approvals/approved-pypi/LEAF/1.2.0.yaml:1" in done.err
    assert f"{LEAF}:1" in done.err
    assert stocked.run("apply").code == 4
    assert (stocked.root / ".feeds/feeds/approved-pypi/simple/leaf/index.html").exists()


def test_rules_that_are_broken_at_head_stop_before_the_first_write(stocked):
    stocked.write("policies/permissions.yaml", "permissions: nonsense\n")
    stocked.commit("Break the permissions")
    done = unchanged(stocked, "apply")
    assert done.code == 4
    assert "policies/permissions.yaml:1: permissions" in done.err


def test_a_self_granted_right_does_not_count(place):
    text = (place.root / "policies/permissions.yaml").read_text()
    place.write("policies/permissions.yaml", text + "  - {allow: promote-packages, user: everyone}\n")
    place.run("approve", "approved-pypi", "leaf", "-m", "mine")
    place.commit("Help myself", by=MALLORY)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"]) == (5, [])
    assert {(h["kind"], h["path"]) for h in done.json["holds"]} == {("authority", LEAF), ("authority", "policies/permissions.yaml")}
    assert "Adopts: policies/permissions.yaml" in json.dumps(done.json["holds"])


# --- the repository and the store -------------------------------------------------------------------------------------------------


def test_no_repository(tmp_path):
    done = Place(tmp_path).run("plan")
    assert (done.code, done.err.splitlines()[1][:20]) == (3, "To do: run `git init")
    assert "is not in a git repository" in done.err


def test_no_commit_and_unknown_ref(tmp_path, place):
    empty = Place(tmp_path)
    empty.git("init", "-q")
    assert empty.run("plan").code == 3
    done = place.run("plan", "--ref", "nowhere")
    assert (done.code, done.err) == (64, "Error: 'nowhere' names no commit\n")


def test_a_shallow_clone_is_refused(stocked, tmp_path):
    stocked.commit("More")
    clone = Place(tmp_path / "clone")
    subprocess.run(["git", "clone", "-q", "--depth=1", stocked.root.as_uri(), str(clone.root)], check=True, timeout=60)
    for command in (("plan",), ("apply",), ("history",)):
        done = clone.run(*command)
        assert done.code == 3
        assert "git fetch --unshallow" in done.err
    assert not (clone.root / ".feeds").exists()


def test_no_approvals_in_a_store_that_has_some(stocked):
    stocked.git("rm", "-rq", "approvals")
    stocked.commit("Remove all")
    done = unchanged(stocked, "apply")
    assert done.code == 3
    assert "absence is never deletion" in done.err


def test_a_removed_approval_is_an_orphan_and_stays(stocked):
    stocked.git("rm", "-q", LEAF)
    stocked.commit("Remove one")
    page = stocked.root / ".feeds/feeds/approved-pypi/simple/leaf/index.html"
    before = page.read_bytes()
    done = stocked.run("apply", "--format", "json")
    assert (done.code, [(d["kind"], d["package"]) for d in done.json["drift"]]) == (0, [("orphan", "leaf")])
    assert page.read_bytes() == before


def test_a_rewritten_history_is_refused(stocked):
    stocked.git("commit", "-q", "--amend", "-m", "Rewritten")
    done = unchanged(stocked, "apply")
    assert done.code == 3
    assert "not on the first-parent chain" in done.err


def test_a_store_that_cannot_be_written(stocked):
    stocked.write("feeds.yaml", (stocked.root / "feeds.yaml").read_text().replace("./.feeds", "./feeds.yaml/store"))
    stocked.commit("Store inside a file")
    done = stocked.run("apply")
    assert done.code == 1
    assert "Error: " in done.err
    assert "Traceback" not in done.err


def test_a_read_only_store(stocked):
    stocked.offer_wheel("other", "1.0")
    stocked.run("approve", "approved-pypi", "other", "-m", "MIT")
    stocked.commit("Approve other")
    before = stocked.store_bytes()
    folders = [stocked.root / ".feeds", *(p for p in (stocked.root / ".feeds").rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    # Root writes wherever it likes; without this capability permissions bind it like everybody else.
    ordinary = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    command = [*ordinary, sys.executable, "-m", "reconciler", "-C", str(stocked.root), "apply"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    for folder in folders:
        folder.chmod(0o700)
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert stocked.store_bytes() == before


def test_an_upstream_of_another_kind_is_a_wrong_declaration(place):
    place.write("feeds.yaml", (place.root / "feeds.yaml").read_text().replace("./upstream/pypi", "nuget.org"))
    place.run("approve", "approved-pypi", "leaf", "-m", "MIT")
    place.commit("Cross the wires")
    done = place.run("approve", "approved-pypi", "leaf", "-m", "MIT")
    assert done.code == 4
    assert "feeds.yaml" in done.err
    assert "serves feeds of type nuget" in done.err


def test_hostile_text_is_inert_in_reports(place):
    place.run("approve", "approved-pypi", "leaf", "-m", "MIT")
    place.git("config", "user.name", "x")
    place.commit("Approve", by=("Mallory\x1b[31m\u202e ::error::", "m@example.org"))
    for done in (place.run("plan"), place.run("apply"), place.run("history")):
        assert "\x1b" not in done.out + done.err
        assert "\u202e" not in done.out + done.err


# --- upstreams --------------------------------------------------------------------------------------------------------------------

DATA = wheel("leaf", "1.2")
FILE = wheel_name("leaf", "1.2")


def page(data: bytes = DATA, file: str = FILE) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    return f'<!DOCTYPE html><html><body><a href="/files/{file}#sha256={digest}">{file}</a></body></html>'.encode()


@pytest.fixture
def served(tmp_path):
    """A place whose Python upstream is a server, with leaf approved while all was well."""
    with FaultyServer() as server:
        place = make_place(tmp_path / "served")
        place.write("feeds.yaml", (place.root / "feeds.yaml").read_text().replace("./upstream/pypi", f"{server.url}/simple/"))
        server.answers["/simple/leaf/"] = [Answer(headers={"Content-Type": "text/html"}, body=page())]
        server.answers[f"/files/{FILE}"] = [Answer(body=DATA)]
        assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
        assert place.run("approve", "approved-nuget", "Leaf", "-m", "MIT").code == 0
        place.commit("Approve leaf twice")
        yield place, server


OTHER = wheel("leaf", "1.2", extra={"leaf/more.py": b"import os"})
LONGER = DATA + b"\0"
ELSE = wheel("other", "1.2")


@pytest.mark.parametrize(
    ("path", "answer", "code", "outcome", "told"),
    [
        ("/simple/leaf/", Answer(status=404), 5, "held", "public-pypi does not have leaf"),
        ("/simple/leaf/", Answer(status=500), 6, "waiting", "public-pypi does not answer"),
        ("/simple/leaf/", Answer(status=401), 6, "waiting", "401"),
        ("/simple/leaf/", Answer(headers={"Content-Type": "text/html"}, body=page(file=wheel_name("leaf", "1.3"))), 5, "held", "1.2"),
        ("/simple/leaf/", Answer(headers={"Content-Type": "text/html"}, body=page(OTHER)), 5, "held", "announces other content"),
        ("/simple/leaf/", Answer(headers={"Content-Type": "application/json"}, body=b"{"), 6, "waiting", "public-pypi does not answer"),
        (f"/files/{FILE}", Answer(status=404), 7, "partial", ""),
        (f"/files/{FILE}", Answer(status=500), 7, "partial", "500"),
        (f"/files/{FILE}", Answer(body=DATA[:-9], length=len(DATA)), 7, "partial", ""),
        (f"/files/{FILE}", Answer(body=OTHER[: len(DATA)]), 9, "integrity", "approved"),
        (f"/files/{FILE}", Answer(body=LONGER), 9, "integrity", ""),
        (f"/files/{FILE}", Answer(body=DATA[:-1]), 9, "integrity", "approved"),
    ],
)
def test_a_faulty_upstream_holds_its_package_and_the_rest_goes_on(served, path, answer, code, outcome, told):
    place, server = served
    server.answers[path] = [answer]
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["outcome"]) == (code, outcome)
    assert [c["feed"] for c in done.json["applied"]] == ["approved-nuget"]
    reasons = [h["reason"] for h in done.json["holds"]] + [f["error"] for f in done.json["failed"]]
    assert len(reasons) == 1
    assert told in reasons[0]
    assert not [path for path in place.store_bytes() if FILE in path or "simple/leaf" in path]
    assert place.run("apply", "--fail-on", "limit").code == 0
    server.answers["/simple/leaf/"] = [Answer(headers={"Content-Type": "text/html"}, body=page())]
    server.answers[f"/files/{FILE}"] = [Answer(body=DATA)]
    assert place.run("apply").code == 0
    assert (place.root / f".feeds/feeds/approved-pypi/files/leaf/1.2/{FILE}").read_bytes() == DATA


def test_an_upstream_that_never_answers_is_waited_for_later(served):
    place, server = served
    server.answers["/simple/leaf/"] = [Answer(wait=30)]
    store = open_store("./.feeds", base=place.root)
    options = Options(now=datetime.now(UTC), public_url=None, listed=False, accept="")
    with Wire(Timeouts(connect=1, read=0.2, document=1)) as wire:
        declaration = declaration_of(place.root)
        around = surroundings(store, upstreams(wire, place.root, declaration.rules.now.settings))
        plan = plan_pass(reader_of(place.root), declaration, around, options).plan
    assert [c.identity.feed for c in plan.changes] == ["approved-nuget"]
    assert [(h.kind, h.waiting) for h in plan.holds] == [("upstream", True)]


def test_an_archive_that_says_it_is_something_else_is_refused(served):
    place, server = served
    server.answers["/simple/sneaky/"] = [Answer(headers={"Content-Type": "text/html"}, body=page(ELSE, wheel_name("sneaky", "1.2")))]
    server.answers[f"/files/{wheel_name('sneaky', '1.2')}"] = [Answer(body=ELSE)]
    done = place.run("approve", "approved-pypi", "sneaky", "-m", "x")
    assert done.code == 5
    assert "other" in done.err
    assert not (place.root / "approvals/approved-pypi/sneaky").exists()


def test_approving_refuses_what_is_yanked(served):
    place, server = served
    body = page(wheel("old", "1.2"), wheel_name("old", "1.2")).replace(b"<a ", b'<a data-yanked="broken on Mondays" ')
    server.answers["/simple/old/"] = [Answer(headers={"Content-Type": "text/html"}, body=body)]
    server.answers[f"/files/{wheel_name('old', '1.2')}"] = [Answer(body=wheel("old", "1.2"))]
    done = place.run("approve", "approved-pypi", "old@1.2", "-m", "x")
    assert done.code == 64
    assert "old 1.2 is yanked or unlisted upstream: broken on Mondays" in done.err
    assert "has no stable, listed version" in place.run("approve", "approved-pypi", "old", "-m", "x").err
    assert place.run("approve", "approved-pypi", "old@1.2", "-m", "x", "--allow-unlisted").code == 0
    place.commit("Approve it all the same")
    assert place.run("apply").code == 0
    assert 'data-yanked="broken on Mondays"' in (place.root / ".feeds/feeds/approved-pypi/simple/old/index.html").read_text()


def test_approving_refuses_bytes_that_are_not_the_announced_ones(served):
    place, server = served
    server.answers["/simple/more/"] = [Answer(headers={"Content-Type": "text/html"}, body=page(DATA, wheel_name("more", "1.2")))]
    server.answers[f"/files/{wheel_name('more', '1.2')}"] = [Answer(body=OTHER)]
    done = place.run("approve", "approved-pypi", "more", "-m", "x")
    assert done.code == 9
    assert "its index announces sha256" in done.err
