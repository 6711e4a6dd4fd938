"""`approve` judges before it writes; with its dependencies it writes all that is needed, or nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import jsonschema
import pytest
import yaml

from reconciler.declare.load import load_approval
from reconciler.model.declared import Approval
from tests.cli.place import FEEDS, Done, Place
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.osv import HIGH, affected, place_dump, record
from tests.support.static_server import SIMPLE_JSON
from tests.support.wheels import wheel, wheel_name

MIT_ONLY = "rule: license\nfeeds: [approved-*]\non_violation: deny\nparams: {allow: [MIT]}\n"
WARN = MIT_ONLY.replace("deny", "warn")


def approvals(place: Place) -> dict[str, Approval]:
    folder = place.root / "approvals"
    return {
        path.relative_to(folder).as_posix().removesuffix(".yaml"): load_approval("a.yaml", path.read_bytes())
        for path in folder.rglob("*.yaml")
    }


def approve(place: Place, *words: str, feed: str = "approved-pypi") -> Done:
    return place.run("approve", feed, *words, "-m", "Asked for by billing.")


# --- alone ------------------------------------------------------------------------------------------------------------------------


def test_what_the_policies_deny_is_refused_with_the_waiver_that_would_let_it_in(place):
    place.offer_wheel("copyleft", "1.0", license_expression="AGPL-3.0-only")
    place.write("policies/license.yaml", MIT_ONLY)
    done = approve(place, "copyleft")
    assert (done.code, done.err, approvals(place)) == (5, "Error: nothing was written: the policies do not let it in\n", {})
    first, finding = done.out.splitlines()[:2]
    assert first == "copyleft 1.0 would not be let in:"
    assert finding.startswith("  deny [license] ")
    assert finding.endswith(" (policies/license.yaml:1)")
    assert "AGPL-3.0-only" in finding


def test_the_waiver_that_is_told_lets_it_in_as_soon_as_it_lies_there(place):
    place.offer_wheel("copyleft", "1.0", license_expression="AGPL-3.0-only")
    place.write("policies/license.yaml", MIT_ONLY)
    told = approve(place, "copyleft").out
    path = re.search(r"or waive it, in (policies/waivers/\S+\.yaml):\n((?: {8}.*\n)+)", told)
    assert path is not None
    text = "".join(line[8:] for line in path[2].splitlines(keepends=True))
    assert yaml.safe_load(text)["owner"] == "ada"
    place.write(path[1], text)
    unanswered = approve(place, "copyleft")
    assert unanswered.code == 4, "why it may be used, only a person can say"
    assert f"{path[1]}:7: reason: found nothing" in unanswered.err
    place.write(path[1], text.replace("reason: ", "reason: It is only run by us."))
    done = approve(place, "copyleft")
    assert (done.code, done.err) == (0, "")
    assert f"    waived [license] by {path[1]}:1: " in done.out
    assert list(approvals(place)) == ["approved-pypi/copyleft/1.0"]


def test_what_is_only_warned_of_is_written_and_told(place):
    place.offer_wheel("copyleft", "1.0", license_expression="AGPL-3.0-only")
    place.write("policies/license.yaml", WARN)
    done = approve(place, "copyleft")
    assert done.code == 0
    assert "    warn [license] " in done.out
    assert list(approvals(place)) == ["approved-pypi/copyleft/1.0"]


def test_one_of_several_that_is_denied_stops_all(place):
    place.offer_wheel("copyleft", "1.0", license_expression="AGPL-3.0-only")
    place.write("policies/license.yaml", MIT_ONLY)
    done = approve(place, "leaf", "copyleft")
    assert (done.code, approvals(place)) == (5, {})
    assert "leaf" not in done.out


def test_an_age_that_nobody_knows_is_refused(place):
    """A folder has no upload times: waiting would not help."""
    place.write("policies/age.yaml", "rule: age\non_violation: hold\nparams: {min_age: 7d}\n")
    done = approve(place, "leaf")
    assert (done.code, approvals(place)) == (5, {})
    assert "the registry does not say when it was published" in done.out


def test_what_only_has_to_wait_is_written_and_told(place):
    place.write("policies/age.yaml", "rule: age\non_violation: hold\nparams: {min_age: 7d}\n")
    with FaultyServer() as server:
        place.write("feeds.yaml", FEEDS.replace("./upstream/pypi", f"{server.url}/simple/"))
        index(server, "fresh", {"1.0": datetime.now(UTC)})
        done = approve(place, "fresh")
    assert done.code == 0
    assert re.search(r"    hold \[age\] published .*\n        to do: wait until ", done.out)
    assert list(approvals(place)) == ["approved-pypi/fresh/1.0"]


def index(server: FaultyServer, name: str, versions: Mapping[str, datetime]) -> None:
    """A registry with these versions of a package, uploaded at these times (PEP 700)."""
    files = []
    for version, uploaded_at in versions.items():
        data, file = wheel(name, version), wheel_name(name, version)
        server.answers[f"/files/{file}"] = [Answer(body=data)]
        digest = {"sha256": sha256(data).hexdigest()}
        files.append(
            {
                "filename": file,
                "url": f"/files/{file}",
                "hashes": digest,
                "size": len(data),
                "upload-time": f"{uploaded_at:%Y-%m-%dT%H:%M:%SZ}",
            }
        )
    page = {"meta": {"api-version": "1.1"}, "name": name, "versions": list(versions), "files": files}
    server.answers[f"/simple/{name}/"] = [Answer(headers={"Content-Type": SIMPLE_JSON}, body=json.dumps(page).encode())]


def test_what_advisories_say_counts(place):
    flaw = record("GHSA-0000-leaf", affected("Leaf", {"introduced": "0"}, {"fixed": "1.2"}), vector=HIGH, summary="A flaw")
    place_dump(place.root / "osv", "NuGet", [flaw])
    place_dump(place.root / "osv", "PyPI", [record("PYSEC-0000", affected("other", {"introduced": "0"}, ecosystem="PyPI"))])
    place.write("feeds.yaml", f"{FEEDS}advisories: {{source: ./osv}}\n")
    place.write(
        "policies/vulnerability.yaml", "rule: vulnerability\non_violation: deny\nparams: {max_severity: low, max_snapshot_age: 7d}\n"
    )
    place.commit("Ask for advisories")
    place.offer_nupkg("Leaf", "1.2")
    place.offer_nupkg("App", "1.0.0", dependencies={"": {"Leaf": "1.0.0"}})
    before = approve(place, "Leaf", feed="approved-nuget")
    assert before.code == 5, "without a snapshot nothing is known"
    assert place.run("advisories", "update").code == 0
    done = approve(place, "Leaf@1.1", feed="approved-nuget")
    assert done.code == 5
    assert "GHSA-0000-leaf" in done.out
    assert approve(place, "App", "--with-dependencies", feed="approved-nuget").code == 0
    assert set(approvals(place)) == {"approved-nuget/App/1.0.0", "approved-nuget/Leaf/1.2"}


# --- with dependencies --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def wide(place: Place) -> Place:
    """app needs a diamond over base, an extra of kit, and something that is approved already."""
    place.offer_wheel("app", "1.0", requires=["lib>=1", "kit[fast]", "tool", "win; sys_platform == 'win32'"])
    place.offer_wheel("lib", "1.0", requires=["base"])
    place.offer_wheel("kit", "1.0", requires=["speed; extra == 'fast'", "other; extra == 'slow'"])
    place.offer_wheel("tool", "1.0", requires=["base<2", "lib"])
    for name, version in [("base", "1.0"), ("base", "2.0"), ("speed", "1.0"), ("win", "1.0")]:
        place.offer_wheel(name, version)
    place.write("feeds.yaml", FEEDS.replace("[public-pypi]}", "[public-pypi], targets: {platforms: [linux_x86_64]}}"))
    place.commit("Say what for")
    assert place.run("approve", "approved-pypi", "speed", "-m", "Fine.", "--commit").code == 0
    return place


def test_who_approves_less_than_a_feed_requires_is_told_what_else_it_takes(wide):
    held = "Held until this is approved, too: "
    alone = wide.run("approve", "approved-pypi", "tool", "-m", "Asked for by billing.")
    assert held not in alone.out, "the feed only warns"
    wide.run("withdraw", "approved-pypi", "speed", "1.0", "-m", "Bad.", "--commit")
    wide.write("feeds.yaml", (wide.root / "feeds.yaml").read_text().replace("targets:", "dependencies: require, targets:"))
    one = wide.run("approve", "approved-pypi", "lib", "-m", "Asked for by billing.")
    assert f"{held}base (--with-dependencies does that)." in one.out.splitlines()
    both = wide.run("approve", "approved-pypi", "base@1.0", "app", "-m", "Asked for by billing.")
    assert f"{held}kit (--with-dependencies does that)." in both.out.splitlines(), "lib and tool are approved, base is asked for with it"


def test_the_tree_is_shown_and_all_of_it_written_in_one_commit(wide):
    done = wide.run("approve", "approved-pypi", "app", "--with-dependencies", "-m", "Asked for by billing.", "--commit")
    assert (done.code, done.err) == (0, "")
    size = {path.name.partition("-")[0]: f"{path.stat().st_size:,} bytes" for path in (wide.root / "upstream/pypi").glob("*-1.0-*.whl")}
    assert done.out.splitlines()[:-6] == [
        f"app 1.0 (MIT, {size['app']})",
        f"├── kit[fast] (any version): 1.0 (MIT, {size['kit']})",
        "│   └── speed (any version): 1.0 (approved already)",
        f"├── lib >=1: 1.0 (MIT, {size['lib']})",
        f"│   └── base (any version): 1.0 (MIT, {size['base']})",
        f"└── tool (any version): 1.0 (MIT, {size['tool']})",
        f"    ├── base <2: 1.0 (MIT, {size['base']})",
        f"    └── lib (any version): 1.0 (MIT, {size['lib']}), see above",
    ]
    assert re.fullmatch(r"Committed as [0-9a-f]{12}\.", done.out.splitlines()[-1])
    names = {"app", "kit", "lib", "tool", "base"}
    written = set(wide.git("show", "--name-only", "--format=", "HEAD").splitlines())
    assert written == {f"approvals/approved-pypi/{name}/1.0.yaml" for name in names} == set(done.out.splitlines()[-6:-1])
    assert wide.git("show", "--no-patch", "--format=%s", "HEAD") == "Approve app 1.0 and 4 more for approved-pypi"


def test_each_file_says_for_whose_sake(wide):
    assert approve(wide, "app", "--with-dependencies").code == 0
    found = approvals(wide)
    assert {path.split("/")[1]: (one.required_by, one.reason) for path, one in found.items() if "speed" not in path} == {
        "app": ((), "Asked for by billing."),
        "kit": (("app 1.0",), "needed by app 1.0: Asked for by billing."),
        "lib": (("app 1.0", "tool 1.0"), "needed by app 1.0: Asked for by billing."),
        "tool": (("app 1.0",), "needed by app 1.0: Asked for by billing."),
        "base": (("lib 1.0", "tool 1.0"), "needed by lib 1.0: Asked for by billing."),
    }


def test_what_was_written_is_well_formed_and_published_and_closed(wide):
    wide.run("approve", "approved-pypi", "app", "--with-dependencies", "-m", "Asked for by billing.", "--commit")
    assert wide.run("check").code == 0
    assert wide.run("apply").code == 0
    done = wide.run("verify", "--closed", "approved-pypi")
    assert (done.code, done.out) == (0, "approved-pypi: 6 versions for linux_x86_64: closed\n")


def test_once_more_there_is_nothing_to_do(wide):
    assert approve(wide, "app", "--with-dependencies").code == 0
    before = approvals(wide)
    done = approve(wide, "app@1.0", "--with-dependencies")
    assert (done.code, done.out.splitlines()[-1]) == (0, "There is nothing to approve: all that it needs is approved.")
    assert approvals(wide) == before


def test_what_an_approved_version_lacks_is_added(wide):
    assert approve(wide, "lib").code == 0
    done = approve(wide, "lib", "--with-dependencies")
    assert done.out.splitlines()[0] == "lib 1.0 (approved already)"
    assert approvals(wide)["approved-pypi/base/2.0"].required_by == ("lib 1.0",)


def test_without_the_option_an_approved_version_is_refused_as_before(wide):
    assert approve(wide, "lib").code == 0
    done = approve(wide, "lib")
    assert (done.code, "is approved already" in done.err) == (64, True)


def test_an_extra_can_be_asked_for(wide):
    assert approve(wide, "kit[fast]@1.0", "--with-dependencies").code == 0
    assert set(approvals(wide)) == {"approved-pypi/kit/1.0", "approved-pypi/speed/1.0"}
    wide.offer_wheel("other", "1.0")
    done = approve(wide, "kit[fast, slow]", "--with-dependencies")
    assert done.out.splitlines()[0] == "kit[fast,slow] 1.0 (approved already)"
    assert set(approvals(wide)) == {"approved-pypi/kit/1.0", "approved-pypi/speed/1.0", "approved-pypi/other/1.0"}


def test_where_something_is_missing_nothing_is_written_and_the_tree_says_why(wide):
    wide.offer_wheel("base", "1.0", license_expression="AGPL-3.0-only")
    wide.offer_wheel("tool", "1.0", requires=["base<2", "absent>=1", "lib"])
    wide.write("policies/license.yaml", MIT_ONLY)
    before = approvals(wide)
    done = approve(wide, "app", "--with-dependencies")
    assert (done.code, done.err) == (5, "Error: nothing was written: 2 dependencies are not satisfied\n")
    assert (
        "    ├── absent >=1: NOTHING, public-pypi does not have it: ./upstream/pypi: folder ./upstream/pypi has no package absent"
        in done.out
    )
    assert re.search(r"    ├── base <2: NOTHING, no version in range passes\n    │       not 1\.0: license: .*AGPL-3\.0-only", done.out)
    assert approvals(wide) == before


def test_a_version_that_is_denied_is_passed_over_with_the_reason(wide):
    wide.offer_wheel("lib", "2.0", license_expression="AGPL-3.0-only")
    wide.write("policies/license.yaml", MIT_ONLY)
    done = approve(wide, "app", "--with-dependencies")
    assert done.code == 0
    assert re.search(r"├── lib >=1: 1\.0 .*\n│       not 2\.0: license: .*AGPL-3\.0-only", done.out)
    assert "approved-pypi/lib/2.0" not in approvals(wide)


def test_what_was_asked_for_and_is_denied_is_refused_before_anything_else(wide):
    wide.offer_wheel("app", "1.0", requires=["absent"], license_expression="AGPL-3.0-only")
    wide.write("policies/license.yaml", MIT_ONLY)
    done = approve(wide, "app", "--with-dependencies")
    assert (done.code, done.out.splitlines()[0]) == (5, "app 1.0 would not be let in:")
    assert "or waive it" in done.out


def test_a_withdrawn_version_is_not_approved_again_behind_somebodys_back(wide):
    wide.run("approve", "approved-pypi", "base@2.0", "-m", "Fine.", "--commit")
    assert wide.run("withdraw", "approved-pypi", "base", "2.0", "-m", "Broken.").code == 0
    done = approve(wide, "lib", "--with-dependencies")
    assert done.code == 0
    assert "not 2.0: its approval is withdrawn: approvals/approved-pypi/base/2.0.yaml" in done.out
    assert approvals(wide)["approved-pypi/base/1.0"].required_by == ("lib 1.0",)


def test_an_approval_that_has_expired_closes_nothing(wide):
    assert approve(wide, "base").code == 0
    path = "approvals/approved-pypi/base/2.0.yaml"
    wide.write(path, (wide.root / path).read_text().replace("files:", "expires: 2026-01-01\nfiles:"))
    done = approve(wide, "lib", "--with-dependencies")
    assert f"not 2.0: its approval is over: {path}" in done.out
    assert "approved-pypi/base/1.0" in approvals(wide)


def test_a_link_in_the_way_of_one_file_leaves_none_behind(wide):
    (wide.root / "approvals/approved-pypi/tool").symlink_to(wide.root)
    done = approve(wide, "app", "--with-dependencies")
    assert (done.code, "a symbolic link stands in the path" in done.err) == (64, True)
    assert set(approvals(wide)) == {"approved-pypi/speed/1.0"}


def test_hostile_names_and_reasons_are_shown_as_what_they_are(place):
    evil = "MIT\x1b[2K AND \u202e"
    place.offer_wheel("app", "1.0", requires=["lib"])
    place.offer_wheel("lib", "1.0", license_expression=evil)
    done = approve(place, "app", "--with-dependencies")
    assert not [character for character in done.out + done.err if character != "\n" and not character.isprintable()]


# --- verify --closed ----------------------------------------------------------------------------------------------------------------


def test_what_is_missing_in_a_published_feed_is_told_with_the_shortest_way(wide):
    wide.run("approve", "approved-pypi", "app", "--with-dependencies", "-m", "Asked for by billing.", "--commit")
    assert wide.run("apply").code == 0
    wide.run("withdraw", "approved-pypi", "base", "1.0", "-m", "Broken.", "--commit")
    assert wide.run("apply").code == 0
    done = wide.run("verify", "--closed", "approved-pypi")
    assert done.code == 5
    assert done.out.splitlines() == [
        "approved-pypi: 5 versions for linux_x86_64: 5 gaps in 3 versions",
        "  ! app 1.0 -> lib 1.0 needs base (any version): nothing satisfies it",
        "      to do: approve a version of base in this range, or withdraw lib 1.0",
        "  ! app 1.0 -> tool 1.0 needs base <2: nothing satisfies it",
        "      to do: approve a version of base in this range, or withdraw tool 1.0",
        "  ! lib 1.0 needs base (any version): nothing satisfies it",
        "      to do: approve a version of base in this range, or withdraw lib 1.0",
        "  ! tool 1.0 -> lib 1.0 needs base (any version): nothing satisfies it",
        "      to do: approve a version of base in this range, or withdraw lib 1.0",
        "  ! tool 1.0 needs base <2: nothing satisfies it",
        "      to do: approve a version of base in this range, or withdraw tool 1.0",
    ]


def test_the_report_keeps_its_contract(wide):
    approve(wide, "lib")
    wide.commit("Without what it needs")
    assert wide.run("apply").code == 0
    done = wide.run("verify", "--closed", "--format", "json")
    jsonschema.validate(done.json, wide.run("schema", "closed").json)
    assert (done.code, done.json["outcome"]) == (5, "held")
    assert [(one["feed"], one["versions"], one["targets"]) for one in done.json["feeds"]] == [
        ("approved-nuget", 0, []),
        ("approved-pypi", 2, ["linux_x86_64"]),
    ]
    assert done.json["gaps"] == [
        {
            "feed": "approved-pypi",
            "package": "lib",
            "version": "1",
            "needs": "base",
            "range": "",
            "extras": [],
            "path": ["lib 1.0"],
            "targets": ["linux_x86_64"],
            "unread": "",
        }
    ]


def test_a_feed_that_holds_nothing_is_closed(place):
    done = place.run("verify", "--closed", "approved-nuget")
    assert (done.code, done.out) == (0, "approved-nuget: 0 versions: closed\n")


def test_a_feed_that_is_not_there_is_not_closed(place):
    assert place.run("verify", "--closed", "approved-npm").code == 64
