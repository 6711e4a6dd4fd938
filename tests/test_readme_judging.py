"""What the README shows of judging is what the commands print: its policies, over packages and advisories with the same facts.

Digests, times, sizes and counts differ from one machine to the next; every other character is compared.
"""

from __future__ import annotations

import re
import shlex

import pytest

from reconciler.declaration import KINDS
from tests.cli.place import ADA, GRACE, Place
from tests.support.osv import HIGH, MEDIUM, affected, place_dump, record
from tests.test_readme import CLOSED, FEEDS, LICENSES, NAMES, PERMISSIONS, README, VULNERABILITIES

ALAN = ("Alan Turing", "alan@example.org")
SECTION = README[README.index("## Judging packages") : README.index("## Exceptions: waivers")]
PYPI = """\
  public-pypi: {type: pypi, usage: proxy, connectors: [{upstream: ./upstream/pypi}]}
  approved-pypi:
    type: pypi
    usage: approved
    promotes_from: [public-pypi]
    dependencies: require
    targets: {python: ["3.12"], platforms: [linux_x86_64, win_amd64]}
advisories: {source: ./osv}
"""
VARYING = (
    (r"\b[0-9a-f]{12}([0-9a-f]{52})?\b", "#"),
    (r"\d{4}-\d\d-\d\d(T[\d:]+Z)?", "DAY"),
    (r"[\d,]+ (byte|record|package)s?", r"N \1s"),
    (r"\d+ withdrawn", "N withdrawn"),
)


def test_what_is_shown_is_what_the_commands_print(shop):
    shop.as_shown("advisories update")
    assert shop.place.run("apply").code == 0
    shop.place.git("merge", "-q", "--no-ff", "-m", "Merge", "topic", by=GRACE)
    shop.as_shown("plan")
    shop.as_shown("explain approved-nuget jQuery 3.4.1")
    shop.place.git("switch", "-q", "-c", "rich")
    shop.as_shown("approve approved-pypi rich --with-dependencies", by=ALAN)
    shop.place.git("switch", "-q", "main")
    shop.place.git("merge", "-q", "--no-ff", "-m", "Merge", "rich", by=GRACE)
    assert shop.place.run("apply").code == 5, "one is held, the rest is let in"
    shop.as_shown("verify --closed")


def test_every_rule_is_in_the_overview():
    assert set(re.findall(r"^\| `([a-z-]+)` \|", SECTION, re.MULTILINE)) == set(KINDS.rules)


class Shop:
    """The repository that the section tells of, with the jQuery and RestSharp that were let in before there were policies."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def as_shown(self, command: str, *, by: tuple[str, str] = ADA) -> None:
        """Runs a command of the section, and compares what it prints."""
        found = re.search(rf"^\$ reconciler ({re.escape(command)}.*)\n((?:(?!\$ |```).*\n)+)", SECTION, re.MULTILINE)
        assert found is not None, command
        self.place.git("config", "user.name", by[0])
        self.place.git("config", "user.email", by[1])
        done = self.place.run(*shlex.split(found[1]))
        told = varying(done.out)
        for part in varying(found[2]).split("...\n"):
            assert part.strip("\n") in told, f"{command}:\n{done.out}{done.err}"


def varying(text: str) -> str:
    for pattern, instead in VARYING:
        text = re.sub(pattern, instead, text)
    return text


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("RECONCILER_CACHE", str(tmp_path / "cache"))
    place = Place(tmp_path / "place")
    place.root.mkdir()
    place.git("init", "-q", "-b", "main")
    offered(place)
    advised(place)
    place.write(".gitignore", "/.feeds/\n/upstream/\n/osv/\n")
    feeds = FEEDS[: FEEDS.index("  approved-nuget:")] + CLOSED + PYPI
    feeds = feeds.replace("nuget.org", "./upstream/nuget").replace("https://nuget.acme.example/v3/index.json", "./upstream/nuget")
    place.write("feeds.yaml", feeds)
    place.write("policies/permissions.yaml", PERMISSIONS + "  - {allow: promote-packages, group: senior-developers, to: approved-pypi}\n")
    place.commit("Declare the feeds", by=ADA)
    for package in ("jQuery", "RestSharp"):
        assert place.run("approve", "approved-nuget", package, "--from", "public-nuget", "-m", "Used by the shop.").code == 0
    place.commit("Approve", by=GRACE)
    assert place.run("apply").code == 0
    place.git("switch", "-q", "-c", "topic")
    assert place.run("approve", "approved-nuget", "Newtonsoft.Json", "12.0.3", "--from", "public-nuget", "-m", "Asked for.").code == 0
    place.commit("Approve", by=ALAN)
    place.git("switch", "-q", "main")
    for name, text in (("licenses", LICENSES), ("vulnerabilities", VULNERABILITIES), ("names", NAMES)):
        place.write(f"policies/{name}.yaml", text)
    place.commit("Judge", by=ADA)
    return Shop(place)


def offered(place: Place) -> None:
    place.offer_nupkg("Newtonsoft.Json", "12.0.3")
    place.offer_nupkg("RestSharp", "106.11.4", license_expression="Apache-2.0")
    place.offer_nupkg("jQuery", "3.4.1", license_expression=None, metadata="<licenseUrl>http://jquery.org/license</licenseUrl>")
    place.offer_wheel("rich", "15.0.0", requires=["markdown-it-py>=2.2.0", "pygments>=2.13.0,<3.0.0"])
    place.offer_wheel("markdown-it-py", "4.3.0", requires=["mdurl~=0.1"])
    place.offer_wheel("mdurl", "0.1.2")
    place.offer_wheel("Pygments", "2.21.0", license_expression="BSD-2-Clause")


def advised(place: Place) -> None:
    """The facts of these advisories, as GitHub's database has them; a name with Cyrillic letters, and a record that was withdrawn."""
    json = affected("Newtonsoft.Json", {"introduced": "0"}, {"fixed": "13.0.1"})
    rest = affected("RestSharp", {"introduced": "0"}, {"fixed": "106.11.8-alpha.0.13"})
    query = affected("jQuery", {"introduced": "1.2.0"}, {"fixed": "3.5.0"})
    about_json = "Improper Handling of Exceptional Conditions in Newtonsoft.Json"
    records = [
        record("GHSA-5crp-9r3c-p9vr", json, aliases=["CVE-2024-21907"], summary=about_json, vector=HIGH),
        record("GHSA-9pq7-rcxv-47vq", rest, aliases=["CVE-2021-27293"], summary="Incorrect Regular Expression in RestSharp", vector=HIGH),
        record("GHSA-gxr4-xjj5-5px2", query, aliases=["CVE-2020-11022"], summary="Potential XSS vulnerability in jQuery", vector=MEDIUM),
        record("MAL-2024-4003", affected("Anotar.S\u0435ril\u043eg.Fody", versions=["1.0.0"])),
    ]
    place_dump(place.root / "osv", "NuGet", records)
    other = affected("other", {"introduced": "0"}, ecosystem="PyPI")
    place_dump(place.root / "osv", "PyPI", [record("PYSEC-1", other), record("PYSEC-2", other, withdrawn="2026-01-01T00:00:00Z")])
