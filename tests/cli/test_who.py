"""`who`: everybody who may do what with a feed, and the lines that decide."""

from __future__ import annotations

import jsonschema
import pytest

from tests.cli.place import MALLORY, PERMISSIONS, Place

ALAN = "  alan: {name: Alan Turing, emails: [alan@example.org]}\ngroups:\n"
MORE = """\
  - {allow: view-and-download, user: everyone, feeds: [approved-pypi]}
  - {allow: view-and-download, user: anonymous, feeds: [approved-pypi]}
  - {deny: view-and-download, user: alan}
  - {deny: promote-packages, user: grace, to: approved-pypi}
  - {deny: promote-packages, user: alan}
  - {deny: promote-packages, user: ada}
  - {allow: publish-packages, user: alan, feeds: [approved-nuget]}
"""


def line(number: int) -> str:
    return f"policies/permissions.yaml:{number}"


@pytest.fixture
def ruled(place: Place) -> Place:
    place.write("policies/permissions.yaml", PERMISSIONS.replace("groups:\n", ALAN) + MORE)
    place.commit("More rules")
    return place


def tasks(place: Place, feed: str) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    done = place.run("who", feed, "--format", "json")
    assert done.code == 0
    jsonschema.validate(done.json, place.run("schema", "who").json)
    return {
        " ".join(filter(None, (task["task"], task["from"], task["to"]))): (
            {row["user"]: row["line"] for row in task["allowed"]},
            {row["user"]: row["line"] for row in task["denied"]},
        )
        for task in done.json["tasks"]
    }


def test_an_approved_feed(ruled):
    assert tasks(ruled, "approved-pypi") == {
        "promote-packages public-pypi approved-pypi": ({"ada": line(8)}, {"grace": line(13)}),
        "manage-feed": ({"ada": line(8)}, {}),
        "publish-packages": ({"ada": line(8)}, {}),
        "view-and-download": (
            {"everyone": line(10), "anonymous": line(11), "ada": line(8), "grace": line(10)},
            {"alan": line(12)},
        ),
        "administer": ({"ada": line(8)}, {}),
        "manage-tokens": ({"ada": line(8)}, {}),
    }


def test_who_would_not_be_allowed_anyway_is_not_listed_as_denied(ruled):
    assert "alan" not in tasks(ruled, "approved-pypi")["promote-packages public-pypi approved-pypi"][1]


def test_a_proxy_feed_is_promoted_out_of(ruled):
    found = tasks(ruled, "public-nuget")
    assert next(iter(found)) == "promote-packages public-nuget approved-nuget"
    assert found["promote-packages public-nuget approved-nuget"] == ({"ada": line(8), "grace": line(9)}, {})
    assert found["publish-packages"] == ({"ada": line(8)}, {})
    assert not [task for task in found if "pypi" in task]


def test_every_answer_is_that_of_can(ruled):
    for feed in ("approved-pypi", "public-pypi", "approved-nuget", "public-nuget"):
        for told, (allowed, _) in tasks(ruled, feed).items():
            task, *way = told.split(" ")
            scope = ["--from", way[0], "--to", way[1]] if way else ["--feed", feed] if task not in {"administer", "manage-tokens"} else []
            for user in ("everyone", "anonymous", "ada", "grace", "alan"):
                answer = ruled.run("can", user, task, *scope, "--format", "json").json
                assert (answer["allowed"], answer["line"] if answer["allowed"] else None) == (user in allowed, allowed.get(user))


def test_the_text_is_grouped_by_task(ruled):
    out = ruled.run("who", "approved-pypi").out
    assert out.startswith(
        "promote-packages public-pypi -> approved-pypi\n"
        "  ada        may     policies/permissions.yaml:8\n"
        "  grace      denied  policies/permissions.yaml:13\n"
        "manage-feed\n"
    )
    assert (
        "view-and-download\n"
        "  everyone   may     policies/permissions.yaml:10\n"
        "  anonymous  may     policies/permissions.yaml:11\n"
        "  ada        may     policies/permissions.yaml:8\n"
        "  alan       denied  policies/permissions.yaml:12\n" in out
    )


def test_the_rules_of_an_older_commit(ruled):
    assert "alan" not in ruled.run("who", "approved-pypi", "--ref", "HEAD~1").out
    assert "alan" in ruled.run("who", "approved-pypi").out


def test_rules_that_are_not_in_force_are_named_and_not_used(ruled):
    before = ruled.git("rev-parse", "HEAD")
    text = (ruled.root / "policies/permissions.yaml").read_text()
    ruled.write("policies/permissions.yaml", text + "  - {allow: administer, user: everyone}\n")
    ruled.commit("Let me in", by=MALLORY)
    done = ruled.run("who", "approved-pypi", "--format", "json").json
    assert (done["rules"], done["not_in_force"]) == (before, ["policies/permissions.yaml"])
    assert [row["user"] for task in done["tasks"] if task["task"] == "administer" for row in task["allowed"]] == ["ada"]
    assert ruled.run("who", "approved-pypi").out.startswith("policies/permissions.yaml as it reads now is not in force")


def test_an_unknown_feed_is_named_with_what_there_is(place):
    done = place.run("who", "nowhere")
    assert (done.code, done.out) == (64, "")
    assert "there is no feed 'nowhere'" in done.err
    assert "feeds: approved-nuget, approved-pypi, public-nuget, public-pypi" in done.err
