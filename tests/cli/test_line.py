"""The straight line through the commands: approve, check, plan, apply, history, explain."""

from __future__ import annotations

import zipfile

import jsonschema
import pytest

from tests.cli.place import ADA, GRACE, MALLORY


def approve_all(place):
    assert place.run("approve", "approved-pypi", "sample", "leaf@1.2", "-m", "asked for by billing", "--ticket", "SEC-1").code == 0
    assert place.run("approve", "approved-nuget", "sample.lib", "1.0.0", "-m", "MIT").code == 0
    assert place.run("approve", "approved-nuget", "leaf@1.1.0", "-m", "MIT").code == 0
    return place.commit("Approve four packages")


def schema_of(place, kind):
    return place.run("schema", kind).json


def test_approve_writes_what_the_archive_says(place):
    done = place.run("approve", "approved-nuget", "SAMPLE.lib", "-m", "MIT: reviewed")
    assert done.code == 0
    assert done.out.splitlines()[0] == "approvals/approved-nuget/Sample.Lib/1.0.0.yaml"
    assert "needs Leaf [1.0.0, )" in done.out
    text = (place.root / "approvals/approved-nuget/Sample.Lib/1.0.0.yaml").read_text()
    assert text.startswith('from: public-nuget\nreason: "MIT: reviewed"\nfiles:\n  sample.lib.1.0.0.nupkg: {size: ')
    assert place.run("check", "--working-tree").out.endswith("4 feeds, 2 permissions, 1 approval.\n")


def test_approve_takes_every_file_of_the_version_or_those_that_match(place):
    place.run("approve", "approved-pypi", "leaf", "-m", "all")
    assert (place.root / "approvals/approved-pypi/leaf/1.2.yaml").read_text().count("sha256") == 2
    (place.root / "approvals/approved-pypi/leaf/1.2.yaml").unlink()
    done = place.run("approve", "approved-pypi", "leaf", "-m", "wheels", "--file", "*.whl")
    assert "left out: 1 other files" in done.out
    assert (place.root / "approvals/approved-pypi/leaf/1.2.yaml").read_text().count("sha256") == 1


def test_approve_commits_just_its_files(place):
    place.write("notes.txt", "mine")
    place.git("add", "notes.txt")
    done = place.run("approve", "approved-pypi", "leaf", "-m", "MIT", "--commit")
    assert done.code == 0
    assert place.git("show", "--name-only", "--format=%an|%s|%b", "HEAD").split("\n") == [
        "Ada Lovelace|Approve leaf 1.2 for approved-pypi|MIT",
        "",
        "Package: pkg:pypi/leaf@1.2",
        "Feed: approved-pypi",
        "",
        "",
        "approvals/approved-pypi/leaf/1.2.yaml",
    ]
    assert place.git("diff", "--cached", "--name-only") == "notes.txt"


@pytest.mark.parametrize(
    ("arguments", "code", "message", "remedy"),
    [
        (("approved-pypi", "absent"), 64, "public-pypi does not have absent", "check the spelling"),
        (("approved-pypi", "leaf@9"), 64, "leaf has no version 9", "the newest are 1.2"),
        (("approved-pypi", "leaf@x"), 64, "'x' is no version", ""),
        (("approved-pypi", "le af"), 64, "'le af' is no name of a pypi package", ""),
        (("public-pypi", "leaf"), 64, "'public-pypi' is no approved feed", "approved feeds: approved-nuget, approved-pypi"),
        (("nowhere", "leaf"), 64, "there is no feed 'nowhere'", "approved feeds"),
        (("approved-pypi", "leaf", "--from", "public-nuget"), 64, "approved-pypi does not promote from 'public-nuget'", "public-pypi"),
        (("approved-pypi", "leaf", "--file", "*.egg"), 64, "no file of leaf 1.2 matches *.egg", "leaf-1.2"),
    ],
)
def test_approve_says_what_is_wrong_and_writes_nothing(place, arguments, code, message, remedy):
    done = place.run("approve", *arguments, "-m", "because")
    assert done.code == code
    assert message in done.err
    assert remedy in done.err
    assert not (place.root / "approvals").exists()


def test_approve_refuses_what_is_approved_already_however_it_is_spelled(place):
    place.run("approve", "approved-nuget", "Sample.Lib", "-m", "MIT")
    before = (place.root / "approvals/approved-nuget/Sample.Lib/1.0.0.yaml").read_bytes()
    done = place.run("approve", "approved-nuget", "sample.LIB", "1.0", "-m", "again")
    assert done.code == 64
    assert (
        "Sample.Lib 1.0.0 is approved already: approvals/approved-nuget/Sample.Lib/1.0.0.yaml ('sample.LIB' is the same package" in done.err
    )
    assert (place.root / "approvals/approved-nuget/Sample.Lib/1.0.0.yaml").read_bytes() == before


def test_the_newest_stable_version_is_meant(place):
    for version in ("1.3", "1.4rc1"):
        place.offer_wheel("leaf", version)
    assert "leaf/1.3.yaml" in place.run("approve", "approved-pypi", "leaf", "-m", "x").out


def test_plan_writes_nothing_and_keeps_its_contract(place):
    approve_all(place)
    done = place.run("plan", "--format", "json")
    assert done.code == 0
    jsonschema.validate(done.json, schema_of(place, "plan"))
    assert not (place.root / ".feeds").exists()
    assert done.json["schema"] == "plan/v1"
    assert [(c["change"], c["package"], c["version"]) for c in done.json["changes"]] == [
        ("promote", "Leaf", "1.1"),
        ("promote", "Sample.Lib", "1.0.0"),
        ("promote", "leaf", "1.2"),
        ("promote", "sample", "1.0"),
    ]
    change = done.json["changes"][3]
    assert change["author"] == {"name": "Ada Lovelace", "email": "ada@example.org", "assurance": "claimed"}
    assert (change["feed"], change["from"], change["reason"]) == ("approved-pypi", "public-pypi", "asked for by billing")
    assert done.json["holds"] == []
    assert place.run("plan", "--format", "json", "--detailed-exitcode").code == 2


def test_the_same_plan_twice_is_the_same_but_for_the_clock(place):
    approve_all(place)
    one, other = (place.run("plan", "--format", "json").json for _ in range(2))
    assert {k: v for k, v in one.items() if k != "clock"} == {k: v for k, v in other.items() if k != "clock"}


def test_apply_promotes_and_a_second_one_changes_no_byte(place):
    approve_all(place)
    done = place.run("apply", "--format", "json")
    assert done.code == 0
    jsonschema.validate(done.json, schema_of(place, "apply"))
    assert (done.json["outcome"], len(done.json["applied"]), done.json["failed"]) == ("done", 4, [])
    assert done.json["access"]
    before = place.store_bytes()
    again = place.run("apply", "--format", "json")
    assert (again.code, again.json["changes"], again.json["access"]) == (0, [], [])
    assert place.store_bytes() == before
    assert "nothing to do" in place.run("plan").out


def test_the_feed_has_manifest_and_metadata_as_they_are_in_the_archives(place):
    approve_all(place)
    place.run("apply")
    feeds = place.root / ".feeds/feeds"
    folder = feeds / "approved-nuget/v3/flatcontainer/sample.lib/1.0.0"
    with zipfile.ZipFile(folder / "sample.lib.1.0.0.nupkg") as archive:
        assert (folder / "sample.lib.nuspec").read_bytes() == archive.read("Sample.Lib.nuspec")
    wheel = feeds / "approved-pypi/files/leaf/1.2/leaf-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert wheel.with_name(f"{wheel.name}.metadata").read_bytes() == archive.read("leaf-1.2.dist-info/METADATA")


def test_apply_tells_each_change_in_plain_lines(place):
    approve_all(place)
    done = place.run("apply")
    assert "+ promote sample 1.0: public-pypi -> approved-pypi (1 file, " in done.out
    assert "    by Ada Lovelace <ada@example.org> (claimed): asked for by billing" in done.out
    assert done.out.rstrip().endswith("4 applied, 0 failed, 0 held, 0 waiting: done")
    assert place.run("apply", "--quiet").out == ""


def test_history_tells_who_what_when_from_where_to_where_and_why(place):
    commit = approve_all(place)
    pending = place.run("history", "--format", "json").json
    jsonschema.validate(pending, schema_of(place, "history"))
    assert {(row["seq"], row["outcome"], row["applied_at"]) for row in pending} == {(None, "pending", None)}
    place.run("apply")
    rows = place.run("history", "SAMPLE", "--format", "json").json
    jsonschema.validate(rows, schema_of(place, "history"))
    (row,) = rows
    assert (row["change"], row["outcome"], row["feed"], row["from"], row["commit"]) == (
        "promote",
        "applied",
        "approved-pypi",
        "public-pypi",
        commit,
    )
    assert row["author"]["name"] == "Ada Lovelace"
    text = place.run("history", "sample").out
    assert "public-pypi -> approved-pypi" in text
    assert "by Ada Lovelace <ada@example.org> (claimed)" in text
    assert "asked for by billing" in text


def test_history_filters(place):
    approve_all(place)
    place.run("apply")
    assert len(place.run("history", "--feed", "approved-nuget", "--format", "json").json) == 2
    assert place.run("history", "--author", "grace").out == "Nothing was approved that fits.\n"
    assert len(place.run("history", "--author", "ADA@", "--format", "json").json) == 4
    assert place.run("history", "--since", "2999-01-01", "--format", "json").json == []
    assert place.run("history", "--feed", "nowhere").code == 64


def test_an_approval_without_authority_is_held_and_endorsed(place):
    place.run("approve", "approved-pypi", "leaf", "-m", "please")
    place.commit("Approve leaf", by=MALLORY)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["outcome"]) == (5, "held")
    (hold,) = done.json["holds"]
    assert (hold["kind"], hold["package"], hold["version"]) == ("authority", "leaf", "1.2")
    assert "Mallory <mallory@example.org>" in hold["reason"]
    assert "ada, grace can" in hold["remedy"]
    assert place.run("history", "leaf", "--format", "json").json[0]["outcome"] == "held"
    explained = place.run("explain", "approved-pypi", "leaf", "1.2")
    assert "declared void, published absent" in explained.out
    assert place.run("endorse", "approved-pypi", "leaf", "1.2", "-m", "I looked at it", "--commit").code == 0
    done = place.run("apply", "--format", "json")
    assert (done.code, len(done.json["applied"])) == (0, 1)
    (change,) = done.json["applied"]
    assert (change["author"]["name"], [p["name"] for p in change["approvers"]]) == ("Mallory", ["Ada Lovelace"])


def test_a_merge_names_author_and_merger(place):
    place.git("checkout", "-q", "-b", "request")
    place.run("approve", "approved-pypi", "leaf", "-m", "please")
    place.commit("Approve leaf", by=MALLORY)
    place.git("checkout", "-q", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge the request", "request", by=GRACE)
    done = place.run("apply", "--format", "json")
    assert done.code == 0
    (change,) = done.json["applied"]
    assert (change["author"]["name"], [p["name"] for p in change["approvers"]]) == ("Mallory", ["Grace Hopper"])
    assert change["commit"] == place.git("rev-parse", "HEAD")


def test_explain_goes_from_the_line_to_the_record(place):
    approve_all(place)
    before = place.run("explain", "approved-pypi", "Leaf", "1.2.0")
    assert "next       `reconciler apply` promotes it" in before.out
    place.run("apply")
    done = place.run("explain", "approved-pypi", "leaf", "1.2", "--format", "json")
    jsonschema.validate(done.json, schema_of(place, "explain"))
    assert (done.json["declared"], done.json["published"], done.json["right"]) == ("approved", "listed", "policies/permissions.yaml:7")
    assert done.json["history"][0]["outcome"] == "applied"
    text = place.run("explain", "approved-pypi", "leaf", "1.2").out
    assert "approved   by Ada Lovelace <ada@example.org> (claimed)" in text
    assert "entitled   by policies/permissions.yaml:7" in text
    assert place.run("explain", "approved-pypi", "absent", "1").out.splitlines()[-1].strip() == (
        "next       `reconciler approve approved-pypi absent@1 -m REASON`"
    )
    assert place.run("explain", "public-pypi", "leaf", "1").code == 64
    assert place.run("explain", "approved-pypi", "leaf", "x").code == 64


def test_can(place):
    assert place.run("can", "ada", "promote-packages", "--from", "public-nuget").out == "yes: policies/permissions.yaml:7\n"
    no = place.run("can", "everyone", "promote-packages", "--to", "approved-nuget")
    assert (no.code, no.out) == (5, "no: no line of policies/permissions.yaml says so\nwho may: ada, grace\n")
    answer = place.run("can", "grace", "administer", "--format", "json")
    jsonschema.validate(answer.json, schema_of(place, "can"))
    assert (answer.code, answer.json["allowed"], answer.json["who_may"]) == (5, False, ["ada"])
    assert place.run("can", "nobody", "administer").code == 64
    assert place.run("can", "ada", "manage-feed", "--feed", "nowhere").code == 64
    assert place.run("can", "anonymous", "view-and-download", "--feed", "approved-nuget").code == 5


def test_editor_schemas_accept_the_files_and_refuse_unknown_keys(place):
    approve_all(place)
    import yaml  # noqa: PLC0415 - a plain YAML parser, as editors use

    for kind, path in (
        ("feeds", "feeds.yaml"),
        ("permissions", "policies/permissions.yaml"),
        ("approval", "approvals/approved-nuget/Sample.Lib/1.0.0.yaml"),
    ):
        schema, content = schema_of(place, kind), yaml.safe_load((place.root / path).read_text())
        jsonschema.validate(content, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**content, "surprise": 1}, schema)


def test_an_expired_approval_is_unlisted_and_comes_back(place):
    approve_all(place)
    place.run("apply")
    path = "approvals/approved-pypi/leaf/1.2.yaml"
    text = (place.root / path).read_text()
    place.write(path, text + "expires: 2020-01-01\n")
    place.commit("Let it expire")
    done = place.run("apply", "--format", "json")
    assert [(c["change"], c["package"]) for c in done.json["applied"]] == [("unlist", "leaf")]
    page = (place.root / ".feeds/feeds/approved-pypi/simple/leaf/index.html").read_text()
    assert 'data-yanked="the approval expired on 2020-01-01"' in page
    place.write(path, text)
    place.commit("Prolong it")
    done = place.run("apply", "--format", "json")
    assert [(c["change"], c["package"]) for c in done.json["applied"]] == [("relist", "leaf")]
    assert "data-yanked" not in (place.root / ".feeds/feeds/approved-pypi/simple/leaf/index.html").read_text()


def test_limits_refuse_the_class_and_accept_lifts_them(place):
    place.write("feeds.yaml", (place.root / "feeds.yaml").read_text() + "limits: {promotions: 1}\n")
    approve_all(place)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["outcome"], done.json["applied"]) == (8, "limit", [])
    assert {hold["kind"] for hold in done.json["holds"]} == {"limit"}
    digest = place.run("plan", "--format", "json").json["digest"]
    stale = place.run("apply", "--accept", "0" * 64)
    assert stale.code == 3
    assert digest in stale.err
    done = place.run("apply", "--accept", digest, "--format", "json")
    assert (done.code, len(done.json["applied"])) == (0, 4)


def test_who_committed_decides_not_who_applies(place):
    approve_all(place)
    place.git("config", "user.email", MALLORY[1])
    assert place.run("apply", "--format", "json").json["applied"][0]["author"]["email"] == ADA[1]


def test_an_approval_that_was_endorsed_is_told_as_applied(place):
    place.run("approve", "approved-pypi", "leaf", "-m", "MIT")
    place.commit("Approve leaf", by=MALLORY)
    place.run("endorse", "approved-pypi", "leaf", "1.2", "-m", "Read it.")
    place.commit("Endorse leaf", by=ADA)
    assert place.run("apply").code == 0
    rows = place.run("history", "leaf", "--format", "json").json
    assert [(row["change"], row["outcome"], row["author"]["name"]) for row in rows] == [
        ("promote", "applied", "Mallory"),
        ("promote", "applied", "Mallory"),
    ]
    assert [bool(row["seq"]) for row in rows] == [True, False]


def test_an_approval_that_was_overtaken_before_any_apply_came_to_nothing(place):
    place.run("approve", "approved-pypi", "leaf", "-m", "MIT", "--file", "*.whl")
    text = (place.root / "approvals/approved-pypi/leaf/1.2.yaml").read_text()
    place.write("approvals/approved-pypi/leaf/1.2.yaml", text.replace("sha256: ", "sha256: 0", 1)[: text.index("sha256: ") + 72] + "}\n")
    place.commit("Approve leaf, with a slip of the pen", by=GRACE)
    place.write("approvals/approved-pypi/leaf/1.2.yaml", text)
    place.commit("Correct the digest", by=ADA)
    assert place.run("apply").code == 0
    rows = place.run("history", "leaf", "--format", "json").json
    assert [(row["author"]["name"], row["outcome"]) for row in rows if row["seq"] is None] == [("Grace Hopper", "none")]
