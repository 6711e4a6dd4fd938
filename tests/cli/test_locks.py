"""`approve --from-lock` and `audit`: a project's lock file against what is approved."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from hashlib import sha256, sha512
from pathlib import Path

import jsonschema
import pytest

from reconciler.propose.from_lock import MAX_VERSIONS
from tests.cli.place import FEEDS, MALLORY, Done, Place
from tests.cli.reviewed import ALAN, LEAF, REVIEWED, leaf, reviewed_place
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.nupkgs import nupkg
from tests.support.static_server import SIMPLE_JSON
from tests.support.tarballs import tarball
from tests.support.wheels import wheel, wheel_name

MIT_ONLY = "rule: license\nfeeds: [approved-*]\non_violation: deny\nparams: {allow: [MIT]}\n"
NPM = """\
  public-npm: {type: npm, usage: proxy, connectors: [{upstream: ./upstream/npm}]}
  approved-npm: {type: npm, usage: approved, promotes_from: [public-npm]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "the shop"
    folder.mkdir()
    return folder


def lock(project: Path, text: str, name: str = "requirements.txt") -> str:
    (project / name).write_text(text, encoding="utf-8")
    return str(project / name)


def approve(place: Place, file: str, *more: str, feed: str = "approved-pypi") -> Done:
    return place.run("approve", feed, "--from-lock", file, "-m", "The shop is built from it.", *more)


def audit(place: Place, file: str, *more: str, feed: str = "approved-pypi") -> Done:
    return place.run("audit", feed, "--from-lock", file, *more)


def written(place: Place) -> list[str]:
    return sorted(path.relative_to(place.root / "approvals").as_posix() for path in (place.root / "approvals").rglob("*.yaml"))


# --- approve ----------------------------------------------------------------------------------------------------------------------


def test_what_a_lock_file_names_and_the_feed_lacks_becomes_one_commit_with_one_summary(place, project):
    assert place.run("approve", "approved-pypi", "leaf@1.2", "-m", "First.", "--commit").code == 0
    place.offer_wheel("extra", "2.0", license_expression="Apache-2.0")
    file = lock(project, "Sample==1.0\nleaf==1.2\nextra==2.0\n-e .\n")
    done = approve(place, file, "--ticket", "SHOP-1", "--commit")
    assert (done.code, done.err) == (0, "")
    first, left_out, licenses, wrote, committed = done.out.splitlines()
    assert re.fullmatch(r"requirements\.txt: 3 versions; 1 approved already, 2 to approve \(2 files, [\d,]+ bytes\), 0 refused", first)
    assert left_out == "left out: 1 entry of the project itself (folders, links, bundled packages)"
    assert sorted(licenses.removeprefix("licenses: ").split(", ")) == ["Apache-2.0 1", "MIT 1"]
    assert wrote == "Wrote 2 approvals to approvals/approved-pypi/."
    assert committed.startswith("Committed as ")
    assert place.git("show", "--format=%B", "--name-only").splitlines()[:5] == [
        *("Approve extra 2.0 and 1 more for approved-pypi", "", "The shop is built from it.", "", "Package: pkg:pypi/extra@2.0"),
    ]
    assert written(place) == [f"approved-pypi/{name}.yaml" for name in ("extra/2.0", "leaf/1.2", "sample/1.0")]
    assert place.run("check").code == 0
    again = approve(place, file)
    assert (again.code, again.out.splitlines()[-1]) == (0, "There is nothing to approve: all that it names is approved.")


def test_one_that_cannot_be_approved_stops_all_and_each_is_told_in_its_group(place, project):
    place.write("policies/license.yaml", MIT_ONLY)
    place.offer_wheel("copyleft", "1.0", license_expression="AGPL-3.0-only")
    place.run("approve", "approved-pypi", "leaf@1.2", "-m", "First.", "--commit")
    place.run("withdraw", "approved-pypi", "leaf", "1.2", "-m", "It broke.", "--commit")
    file = lock(project, "sample==1.0\nsample==9.0\ncopyleft==1.0\nleaf==1.2\nnowhere==1.0\nloose>=1\nfar @ https://x.example/far.whl\n")
    done = approve(place, file)
    assert done.err == ("Error: nothing was written: 6 entries of requirements.txt cannot be approved; --skip-refused approves the rest\n")
    assert (done.code, written(place)) == (5, ["approved-pypi/leaf/1.2.yaml"])
    groups = dict(re.findall(r"^refused, (.*): (\d+)$", done.out, re.MULTILINE))
    assert groups == {
        "not in public-pypi": "2",
        "deny [license] (policies/license.yaml:1)": "1",
        "approved before, and not any more": "1",
        "not pinned to one version": "1",
        "from an address or a repository, past all feeds": "1",
    }
    assert "    leaf 1.2: its approval is withdrawn: approvals/approved-pypi/leaf/1.2.yaml\n" in done.out
    assert "To do: `reconciler approve approved-pypi PACKAGE@VERSION -m REASON` tells the waiver that would let one in.\n" in done.out
    assert "    loose>=1: requirements.txt, line 6\n" in done.out
    rest = approve(place, file, "--skip-refused")
    assert (rest.code, rest.err) == (0, "")
    assert rest.out.splitlines()[-2:] == [
        *("Wrote 1 approval to approvals/approved-pypi/.", "Review the files, commit them, and open a pull request."),
    ]
    assert written(place) == ["approved-pypi/leaf/1.2.yaml", "approved-pypi/sample/1.0.yaml"]


def test_where_nothing_is_left_of_it_skipping_writes_nothing_either(place, project):
    done = approve(place, lock(project, "nowhere==1.0\n"), "--skip-refused")
    assert (done.code, done.err) == (5, "Error: nothing was written: 1 entry of requirements.txt cannot be approved\n")


def test_what_has_to_wait_is_written_and_told(place, project):
    place.write("policies/age.yaml", "rule: age\non_violation: hold\nparams: {min_age: 7d}\n")
    with FaultyServer() as server:
        place.write("feeds.yaml", FEEDS.replace("./upstream/pypi", f"{server.url}/simple/"))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = offered(server, "fresh", **{"upload-time": now})
        done = approve(place, lock(project, f"fresh==1.0 --hash=sha256:{digest}\n"))
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^to approve, hold \[age\] \(policies/age\.yaml:1\): 1\n    fresh 1\.0: published ", done.out, re.MULTILINE)


def test_what_is_yanked_upstream_is_refused_unless_it_is_meant(place, project):
    with FaultyServer() as server:
        place.write("feeds.yaml", FEEDS.replace("./upstream/pypi", f"{server.url}/simple/"))
        offered(server, "gone", yanked="wrong build")
        file = lock(project, "gone==1.0\n")
        done = approve(place, file)
        assert done.code == 5
        assert "refused, yanked or unlisted upstream (--allow-unlisted): 1\n    gone 1.0: " in done.out
        assert "wrong build" in done.out
        assert approve(place, file, "--allow-unlisted").code == 0


def offered(server: FaultyServer, package: str, **facts: str) -> str:
    """A registry that has version 1.0 of a package; the digest of its wheel."""
    data, name = wheel(package, "1.0"), wheel_name(package, "1.0")
    digest = sha256(data).hexdigest()
    entry = {"filename": name, "url": f"/files/{name}", "hashes": {"sha256": digest}, "size": len(data), **facts}
    page = {"meta": {"api-version": "1.1"}, "name": package, "versions": ["1.0"], "files": [entry]}
    server.answers[f"/files/{name}"] = [Answer(body=data)]
    server.answers[f"/simple/{package}/"] = [Answer(body=json.dumps(page).encode(), headers={"Content-Type": SIMPLE_JSON})]
    return digest


def test_of_an_sdist_that_is_not_locked_the_wheel_alone_can_be_approved(place, project):
    digest = sha256((place.root / "upstream/pypi" / wheel_name("leaf", "1.2")).read_bytes()).hexdigest()
    file = lock(project, f"leaf==1.2 --hash=sha256:{digest}\n")
    assert "    leaf 1.2: leaf-1.2.tar.gz has sha256 " in approve(place, file).out
    assert approve(place, file, "--file", "*.whl", "--commit").code == 0
    assert audit(place, file).code == 0


def test_more_than_can_be_asked_for_at_once_is_refused_before_anything_is_asked(place, project):
    done = approve(place, lock(project, "".join(f"p{number}==1\n" for number in range(MAX_VERSIONS + 1))))
    assert (done.code, done.out) == (64, "")
    assert done.err.startswith("Error: 2,001 versions are not approved yet; at most 2,000 are asked for at once\n")


def test_an_upstream_that_does_not_answer_ends_it_whatever_is_skipped(place, project):
    with FaultyServer() as server:
        place.write("feeds.yaml", FEEDS.replace("./upstream/pypi", f"{server.url}/simple/"))
        server.answers["/simple/leaf/"] = [Answer(status=404)]
        server.answers["/simple/sample/"] = [Answer(status=403)]
        done = approve(place, lock(project, "leaf==1.2\nsample==1.0\n"), "--skip-refused")
    assert done.code == 6
    assert done.err.startswith("Error: sample: public-pypi does not answer: ")
    assert not (place.root / "approvals").exists()


def test_a_wheel_with_another_digest_than_the_locked_one_is_refused(place, project):
    digest = sha256((place.root / "upstream/pypi" / wheel_name("sample", "1.0")).read_bytes()).hexdigest()
    good, bad = f"sample==1.0 --hash=sha256:{digest}\n", f"sample==1.0 --hash=sha256:{'0' * 64}\n"
    done = approve(place, lock(project, bad))
    assert done.code == 5
    assert "refused, other bytes than they should have: 1\n    sample 1.0: sample-1.0-py3-none-any.whl has sha256 " in done.out
    assert approve(place, lock(project, good)).code == 0


def test_a_tarball_that_does_not_have_the_locked_integrity_is_refused(place, project):
    place.write("feeds.yaml", FEEDS + NPM)
    place.offer_tarball("left", "1.0.0")

    def locked(data: bytes) -> str:
        integrity = f"sha512-{base64.b64encode(sha512(data).digest()).decode()}"
        entry = {"version": "1.0.0", "integrity": integrity}
        return lock(project, json.dumps({"lockfileVersion": 3, "packages": {"node_modules/left": entry}}), "package-lock.json")

    done = approve(place, locked(b"other"), feed="approved-npm")
    assert done.code == 5
    assert "    left 1.0.0: left-1.0.0.tgz has sha512-" in done.out
    assert approve(place, locked(tarball("left", "1.0.0")), feed="approved-npm").code == 0


def test_a_package_that_does_not_have_the_locked_content_hash_is_refused(place, project):
    def locked(data: bytes) -> str:
        entry = {"type": "Direct", "resolved": "1.1.0", "contentHash": base64.b64encode(sha512(data).digest()).decode()}
        return lock(project, json.dumps({"version": 1, "dependencies": {"net8.0": {"leaf": entry}}}), "packages.lock.json")

    good = nupkg("Leaf", "1.1")
    done = approve(place, locked(b"other"), feed="approved-nuget")
    assert done.code == 5
    assert "refused, other bytes than they should have: 1\n    leaf 1.1" in done.out
    assert approve(place, locked(good), "--commit", feed="approved-nuget").code == 0
    assert audit(place, locked(good), feed="approved-nuget").code == 0
    other = audit(place, locked(b"other"), feed="approved-nuget")
    assert (other.code, other.out.splitlines()[1].split()[:3]) == (5, ["differs", "Leaf", "1.1"])


def test_hundreds_of_versions_are_fetched_and_written_at_once(place, project):
    names = [f"many-{number}" for number in range(300)]
    for name in names:
        place.offer_wheel(name, "1.0")
    file = lock(project, "".join(f"{name}==1.0\n" for name in names))
    done = approve(place, file, "--commit")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == 4
    assert len(written(place)) == 300
    assert audit(place, file).code == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--from-lock", "{}", "leaf"), "--from-lock stands alone"),
        (("--from-lock", "{}", "--with-dependencies"), "--from-lock stands alone"),
        (("--from-lock", "{}.gone"), "is not the name of a lock file"),
        (("--from-lock", "{}.gone", "--lock-format", "requirements.txt"), "cannot be read: No such file"),
        (("--from-lock", "{}", "--lock-format", "uv.lock"), "it is no TOML"),
        (
            ("--from-lock", "{}", "--lock-format", "packages.config"),
            "packages.config names nuget packages, approved-pypi is a feed of type pypi",
        ),
        (("leaf", "--skip-refused"), "belong to --from-lock"),
        (("leaf", "--lock-format", "uv.lock"), "belong to --from-lock"),
        ((), "name a package, or a lock file"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(place, project, words, expected):
    file = lock(project, "leaf==1.2\n")
    done = place.run("approve", "approved-pypi", *(word.format(file) for word in words), "-m", "x")
    assert done.code == 64
    assert expected in done.err


# --- audit ------------------------------------------------------------------------------------------------------------------------


def states(done: Done) -> dict[str, str]:
    return {f"{row['package']} {row['version'] or ''}".strip(): row["state"] for row in done.json["packages"]}


def test_every_version_of_a_project_has_its_state_and_what_is_not_approved_fails_the_check(place, project):
    for name in ("held", "over", "taken", "broken", "newer"):
        place.offer_wheel(name, "1.0")
    for name in ("leaf@1.2", "over", "taken", "broken", "newer"):
        place.run("approve", "approved-pypi", name, "-m", "First.", "--commit")
    place.run("withdraw", "approved-pypi", "taken", "1.0", "-m", "It broke.", "--commit")
    over = "approvals/approved-pypi/over/1.0.yaml"
    place.write(over, (place.root / over).read_text(encoding="utf-8") + 'expires: "2020-01-01"\n')
    place.write("approvals/approved-pypi/broken/1.0.yaml", "nonsense: 1\n")
    place.commit("Change two")
    place.run("approve", "approved-pypi", "held", "-m", "Mine.")
    place.commit("Slip one in", by=MALLORY)
    named = [
        "held==1.0",
        "over==1.0",
        "taken==1.0",
        "broken==1.0",
        "newer==2.0",
        "nowhere==1.0",
        "loose",
        "far @ https://x.example/far.whl",
    ]
    file = lock(project, "\n".join([*named, f"leaf==1.2 --hash=sha256:{'0' * 64}"]))
    done = audit(place, file, "--format", "json")
    assert done.code == 5
    jsonschema.validate(done.json, place.run("schema", "audit").json)
    assert states(done) == {
        "leaf 1.2": "differs",
        "held 1.0": "held",
        "over 1.0": "expired",
        "taken 1.0": "withdrawn",
        "broken 1.0": "malformed",
        "newer 2.0": "unknown",
        "nowhere 1.0": "unknown",
        "loose": "unpinned",
        "far": "foreign",
    }
    reasons = {row["package"]: row["reason"] for row in done.json["packages"]}
    assert reasons["newer"] == "approved are 1.0"
    assert reasons["nowhere"] == "no version of it is approved"
    assert reasons["taken"] == "It broke."
    assert reasons["over"] == "the approval expired on 2020-01-01"
    assert "`reconciler endorse approved-pypi held 1.0 -m REASON`" in reasons["held"]
    text = audit(place, file)
    assert text.code == 5
    assert text.out.splitlines()[0] == (
        f"requirements.txt against approved-pypi at {place.git('rev-parse', 'HEAD')[:12]}: 9 entries: "
        "1 foreign, 1 unpinned, 2 unknown, 1 held, 1 malformed, 1 expired, 1 differs, 1 withdrawn"
    )
    assert text.out.splitlines()[1].split() == ["withdrawn", "taken", "1.0", "It", "broke."]
    assert text.err == f"To do: reconciler approve approved-pypi --from-lock '{file}' -m REASON\n"


def test_a_project_of_approved_versions_passes_without_network_and_store(place, project):
    place.run("approve", "approved-pypi", "leaf@1.2", "sample@1.0", "-m", "First.", "--commit")
    place.write("feeds.yaml", FEEDS.replace("./upstream/pypi", "http://127.0.0.1:9/simple/"))
    place.commit("The upstream moves")
    done = audit(place, lock(project, "Leaf==1.2.0\nsample==1\n-e .\n"))
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"requirements.txt against approved-pypi at {place.git('rev-parse', 'HEAD')[:12]}: 2 entries: 2 approved",
        "left out: 1 entry of the project itself (folders, links, bundled packages)",
    ]
    assert not (place.root / ".feeds").exists()


def test_what_a_forge_said_of_reviews_counts_once_an_apply_has_frozen_it(tmp_path, project):
    file = lock(project, "leaf==1.2\n")
    with reviewed_place(tmp_path / "repo", policy=REVIEWED) as (place, repo, forge):
        repo.commit({LEAF: leaf()}, by=ALAN, on="topic")
        pull = forge.open("topic", by="alan")
        forge.review(pull, by="grace")
        forge.merge(pull)
        before = audit(place, file)
        assert (before.code, before.out.splitlines()[1].split()[:3]) == (5, ["held", "leaf", "1.2"])
        assert "the forge has not been asked yet who reviewed it" in before.out
        assert place.run("apply").code == 0
    assert (audit(place, file).code, audit(place, file).err) == (0, "")


def test_the_declaration_at_a_commit_is_what_counts_not_the_working_tree(place, project):
    file = lock(project, "leaf==1.2\n")
    place.run("approve", "approved-pypi", "leaf@1.2", "-m", "First.")
    assert audit(place, file).code == 5
    place.commit("Approve leaf")
    assert audit(place, file).code == 0
    assert audit(place, file, "--ref", "HEAD~1").code == 5


def test_what_a_lock_file_says_is_inert_on_a_terminal(place, project):
    packages = {"node_modules/\x1b[31mred": {"resolved": "git+ssh://x", "version": "1"}}
    place.write("feeds.yaml", FEEDS + NPM)
    place.commit("npm, too")
    file = lock(project, json.dumps({"lockfileVersion": 2, "packages": packages}), "package-lock.json")
    for done in (audit(place, file, feed="approved-npm"), approve(place, file, feed="approved-npm")):
        assert done.code == 5
        assert "\x1b" not in done.out + done.err
        assert r"\x1b[31mred" in done.out
