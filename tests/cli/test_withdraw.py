"""When something is wrong with a package: withdraw, relist, deprecate, and what the next pass makes of it."""

from __future__ import annotations

import shutil

import pytest
import yaml

from reconciler.cli.desk import write_files
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import Refused
from reconciler.model.words import FeedName
from reconciler.stores import ledger, open_store
from reconciler.stores.state import read_state
from tests.cli.place import ADA, GRACE, MALLORY

LEAF = "approvals/approved-pypi/leaf/1.2.yaml"
FILES = "feeds/approved-pypi/files/leaf/1.2/"
KEPT = "state/feeds/approved-pypi/quarantine/files/leaf/1.2/"


@pytest.fixture
def stocked(place):
    """leaf 1.2, and sample 1.0 that needs leaf>=1, are published."""
    assert place.run("approve", "approved-pypi", "sample", "leaf", "-m", "MIT", "--commit").code == 0
    assert place.run("apply").code == 0
    return place


def withdraw(place, *more, by=ADA, version="1.2"):
    done = place.run("withdraw", "approved-pypi", "Leaf", version, "-m", "Steals credentials", *more)
    place.git("config", "user.name", ADA[0])
    if by != ADA:
        place.git("commit", "-q", "--amend", "--no-edit", "--reset-author", by=by)
    return done


def page(place, package="leaf"):
    path = f"feeds/approved-pypi/simple/{package}/index.html"
    return place.store_bytes().get(path, b"").decode()


def last_change(place):
    return place.run("history", "--format", "json").json[0]


def test_one_command_takes_a_version_out_of_the_feed(stocked):
    before = {key: data for key, data in stocked.store_bytes().items() if key.startswith(FILES)}
    done = withdraw(stocked, "--quarantine", "--commit")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].startswith(f"{LEAF}: quarantine, since 20")
    assert "      sample 1.0, which needs leaf >=1" in done.out.splitlines()
    assert stocked.git("log", "-1", "--format=%s|%b|%an").split("|") == [
        "Quarantine Leaf 1.2 in approved-pypi",
        "Steals credentials\n\nPackage: pkg:pypi/leaf@1.2\nFeed: approved-pypi\n",
        "Ada Lovelace",
    ]
    assert stocked.git("show", "--name-only", "--format=", "HEAD") == LEAF

    planned = stocked.run("plan")
    assert "- quarantine leaf 1.2: in approved-pypi (2 files" in planned.out
    assert "no other listed version satisfies sample 1.0, which needs leaf >=1" in planned.out
    assert stocked.run("plan", "--format", "json").json["changes"][0]["breaks"] == [
        {"package": "sample", "version": "1.0", "needs": "leaf", "range": ">=1"}
    ]

    assert stocked.run("apply").code == 0
    after = stocked.store_bytes()
    assert not [key for key in after if key.startswith(FILES)]
    assert {key.removeprefix(KEPT): data for key, data in after.items() if key.startswith(KEPT)} == {
        key.removeprefix(FILES): data for key, data in before.items()
    }
    assert "leaf" not in page(stocked)
    assert "leaf" not in after["feeds/approved-pypi/simple/index.html"].decode()
    row = last_change(stocked)
    assert (row["change"], row["outcome"], row["author"]["name"], row["reason"]) == (
        "quarantine",
        "applied",
        "Ada Lovelace",
        "Steals credentials",
    )
    assert stocked.run("verify").code == 0
    assert stocked.run("plan", "--detailed-exitcode").code == 0
    told = stocked.run("explain", "approved-pypi", "leaf", "1.2").out
    assert "declared withdrawn, published quarantined" in told
    assert "Steals credentials" in told


def test_bytes_come_back_unchanged_with_nothing_asked_of_upstream(stocked):
    before = {key: data for key, data in stocked.store_bytes().items() if key.startswith("feeds/")}
    withdraw(stocked, "--quarantine", "--commit")
    assert stocked.run("apply").code == 0
    shutil.rmtree(stocked.root / "upstream")
    done = stocked.run("relist", "approved-pypi", "leaf", "1.2", "-m", "False alarm", "--commit")
    assert done.code == 0, done.err
    assert "withdrawn" not in (stocked.root / LEAF).read_text()
    assert yaml.safe_load((stocked.root / LEAF).read_text())["reason"] == "False alarm"
    assert stocked.run("apply").code == 0
    after = stocked.store_bytes()
    assert {key: data for key, data in after.items() if key.startswith("feeds/")} == before
    assert not [key for key in after if key.startswith(KEPT)]
    row = last_change(stocked)
    assert (row["change"], row["reason"]) == ("release", "False alarm")
    assert stocked.run("verify").code == 0


def test_unlisted_it_stays_for_exact_pins_with_the_reason(stocked):
    done = withdraw(stocked, "--commit")
    assert done.code == 0
    assert "an exact pin still installs" in done.out
    assert stocked.run("apply").code == 0
    assert 'data-yanked="Steals credentials"' in page(stocked)
    assert [key for key in stocked.store_bytes() if key.startswith(FILES)]
    assert stocked.run("relist", "approved-pypi", "leaf", "1.2", "-m", "ok", "--commit").code == 0
    assert stocked.run("apply").code == 0
    assert "data-yanked" not in page(stocked)
    assert [row["change"] for row in stocked.run("history", "leaf", "--format", "json").json] == ["relist", "unlist", "promote"]


def test_from_one_way_to_the_other(stocked):
    withdraw(stocked, "--quarantine", "--commit")
    stocked.run("apply")
    withdraw(stocked, "--commit")
    assert stocked.run("apply").code == 0
    assert "data-yanked" in page(stocked)
    assert [key for key in stocked.store_bytes() if key.startswith(FILES)]
    withdraw(stocked, "--quarantine", "--commit")
    assert stocked.run("apply").code == 0
    assert not page(stocked)
    assert stocked.run("verify").code == 0


def test_who_approved_and_who_withdrew_are_both_told(stocked):
    withdraw(stocked, "--quarantine", "--commit", by=GRACE)
    assert stocked.run("apply").code == 0
    taken, *_, brought = stocked.run("history", "leaf", "--format", "json").json
    assert (taken["change"], taken["author"]["name"]) == ("quarantine", "Grace Hopper")
    assert (brought["change"], brought["author"]["name"]) == ("promote", "Ada Lovelace")


def test_who_may_not_promote_may_not_withdraw(stocked):
    withdraw(stocked, "--quarantine", "--commit", by=MALLORY)
    applied = stocked.run("apply")
    assert applied.code == 5
    assert "nobody behind this approval (Mallory <mallory@example.org>) may promote" in applied.out
    assert [key for key in stocked.store_bytes() if key.startswith(FILES)]
    stocked.git("config", "user.email", GRACE[1])
    assert stocked.run("endorse", "approved-pypi", "leaf", "1.2", "-m", "She is right", "--commit").code == 0
    assert stocked.run("apply").code == 0
    row = last_change(stocked)
    assert (row["change"], row["author"]["name"], [p["email"] for p in row["approvers"]]) == ("quarantine", "Mallory", [GRACE[1]])


def test_an_approval_that_is_gone_is_written_again_from_the_record(stocked):
    (stocked.root / LEAF).unlink()
    stocked.commit("Remove it")
    applied = stocked.run("apply")
    assert "orphan" in applied.out
    assert "reconciler withdraw approved-pypi leaf 1.2" in applied.out
    assert page(stocked), "absence is never deletion"
    assert withdraw(stocked, "--quarantine", "--commit").code == 0
    text = yaml.safe_load((stocked.root / LEAF).read_text())
    assert (text["from"], text["reason"], text["withdrawn"]["action"], len(text["files"])) == ("public-pypi", "MIT", "quarantine", 2)
    assert stocked.run("apply").code == 0
    assert not page(stocked)


def test_several_versions_at_once_and_the_limit(stocked):
    for version in ("2.0", "3.0"):
        stocked.offer_wheel("leaf", version)
        stocked.run("approve", "approved-pypi", f"leaf@{version}", "-m", "MIT", "--commit")
    assert stocked.run("apply").code == 0
    done = stocked.run("withdraw", "approved-pypi", "leaf", "2.0", "1.2", "3.0", "-m", "All of them are bad", "--quarantine", "--commit")
    assert done.code == 0
    assert "sample 1.0, which needs leaf >=1" in done.out
    refused = stocked.run("apply")
    assert refused.code == 8
    assert "3 withdrawals in one pass, allowed are 1: none of them is carried out" in refused.out
    digest = stocked.run("plan", "--format", "json").json["digest"]
    assert stocked.run("apply", "--accept", "0" * 64).code == 3
    assert stocked.run("apply", "--accept", digest).code == 0
    assert not page(stocked)
    recorded = [record for record in records(stocked) if record["change"] == "quarantine"]
    assert [record["accepted"] for record in recorded] == [digest] * 3


def records(place):
    store = open_store("./.feeds", base=place.root)
    feed = FeedName("approved-pypi")
    state = read_state(store, feed, ECOSYSTEMS["pypi"].parse_version)
    assert state.head is not None
    return list(ledger.read(store, feed, state.head.ledger))


def test_a_deprecation_passes_through_to_clients(stocked):
    done = stocked.run("deprecate", "approved-pypi", "leaf", "1.2", "-m", "No longer maintained.", "--use", "branch", "--commit")
    assert done.code == 0, done.err
    assert "~ mark leaf 1.2" in stocked.run("plan").out
    assert stocked.run("apply").code == 0
    assert "No longer maintained. Use branch instead." in page(stocked)
    row = last_change(stocked)
    assert (row["change"], row["reason"]) == ("mark", "No longer maintained. Use branch instead.")
    assert stocked.run("deprecate", "approved-pypi", "leaf", "1.2", "--undo", "--commit").code == 0
    assert stocked.run("apply").code == 0
    assert "deprecated" not in page(stocked)
    assert stocked.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("withdraw", "approved-pypi", "leaf", "9", "-m", "x"), 64, "leaf 9 is neither approved for approved-pypi nor recorded there"),
        (("withdraw", "public-pypi", "leaf", "1.2", "-m", "x"), 64, "'public-pypi' is no approved feed"),
        (("withdraw", "approved-pypi", "leaf", "no version", "-m", "x"), 64, "no version"),
        (("withdraw", "approved-pypi", "leaf", "1.2"), 64, "Missing option '-m'"),
        (("withdraw", "approved-pypi", "leaf", "1.2", "-m", ""), 64, "reason"),
        (("withdraw", "approved-pypi", "leaf", "1.2", "-m", "hidden \u202e text"), 64, "reason"),
        (("relist", "approved-pypi", "leaf", "1.2", "-m", "x"), 64, "withdrawn"),
        (("relist", "approved-pypi", "other", "1.2", "-m", "x"), 64, "other 1.2 is not approved for approved-pypi"),
        (("deprecate", "approved-pypi", "leaf", "1.2"), 64, "say with -m why"),
        (("deprecate", "approved-pypi", "leaf", "1.2", "--undo"), 64, "deprecated"),
    ],
)
def test_what_cannot_be_done_is_said(stocked, arguments, code, message):
    before = (stocked.root / LEAF).read_bytes()
    done = stocked.run(*arguments)
    assert (done.code, message in done.err) == (code, True), done.err
    assert (stocked.root / LEAF).read_bytes() == before


def test_a_store_that_cannot_be_read_does_not_stand_in_the_way(stocked):
    (stocked.root / ".feeds/state/feeds/approved-pypi/head.json").write_text("not JSON")
    done = withdraw(stocked, "--quarantine", "--commit")
    assert done.code == 0
    assert "Who depends on it cannot be told" in done.err


def test_comments_stay(stocked):
    text = (stocked.root / LEAF).read_text()
    stocked.write(LEAF, f"# asked for by billing\n{text}# end\n")
    stocked.commit("Comment")
    withdraw(stocked, "--commit")
    stocked.run("relist", "approved-pypi", "leaf", "1.2", "-m", "MIT", "--commit")
    assert (stocked.root / LEAF).read_text() == f"# asked for by billing\n{text}# end\n"


def test_a_file_that_nobody_approved_is_taken_out_where_feeds_yaml_says_so(stocked):
    alien = stocked.root / ".feeds/feeds/approved-pypi/files/evil/1.0/evil-1.0-py3-none-any.whl"
    alien.parent.mkdir(parents=True)
    alien.write_bytes(b"not a wheel")
    assert stocked.run("apply", "--refresh").code == 0
    assert alien.exists(), "reported only"
    feeds = (stocked.root / "feeds.yaml").read_text()
    stocked.write("feeds.yaml", feeds.replace("promotes_from: [public-pypi]", "promotes_from: [public-pypi], aliens: quarantine"))
    stocked.commit("Quarantine what nobody approved")
    assert "- evict files/evil/1.0/evil-1.0-py3-none-any.whl from approved-pypi" in stocked.run("plan", "--refresh").out
    assert stocked.run("apply", "--refresh").code == 0
    assert not alien.exists()
    (kept,) = [data for key, data in stocked.store_bytes().items() if key.startswith("state/feeds/approved-pypi/aliens/")]
    assert kept == b"not a wheel"
    assert [r["change"] for r in records(stocked)][-1] == "evict"
    assert stocked.run("history").code == 0
    assert stocked.run("verify").code == 0
    assert stocked.run("drift", "--detailed-exitcode").code == 0


# --- at three in the morning ------------------------------------------------------------------------------------------------------


def test_a_reason_that_was_corrected_reaches_clients_and_the_record(stocked):
    withdraw(stocked, "--commit")
    stocked.run("apply")
    assert stocked.run("withdraw", "approved-pypi", "leaf", "1.2", "-m", "Leaks file handles", "--commit").code == 0
    assert stocked.run("apply").code == 0
    assert "Leaks file handles" in page(stocked)
    assert "Steals" not in page(stocked)
    assert (last_change(stocked)["change"], last_change(stocked)["reason"]) == ("unlist", "Leaks file handles")
    before = stocked.store_bytes()
    stocked.run("apply")
    assert stocked.store_bytes() == before


def test_a_withdrawal_that_waits_is_shown_with_its_own_reason(stocked):
    withdraw(stocked, "--quarantine", "--commit")
    row = last_change(stocked)
    assert (row["change"], row["outcome"], row["reason"]) == ("quarantine", "pending", "Steals credentials")


def test_a_withdrawal_that_a_limit_refuses_is_not_told_as_carried_out(stocked):
    stocked.write("feeds.yaml", (stocked.root / "feeds.yaml").read_text() + 'limits: {withdrawals: "0"}\n')
    stocked.commit("Nothing is withdrawn")
    withdraw(stocked, "--quarantine", "--commit")
    assert stocked.run("apply").code == 8
    assert (last_change(stocked)["change"], last_change(stocked)["outcome"]) == ("quarantine", "pending")


def test_a_withdrawal_that_was_taken_back_before_any_pass_came_to_nothing(stocked):
    withdraw(stocked, "--quarantine", "--commit")
    stocked.run("relist", "approved-pypi", "leaf", "1.2", "-m", "False alarm", "--commit")
    stocked.run("apply")
    outcomes = {row["change"]: row["outcome"] for row in stocked.run("history", "leaf", "--format", "json").json}
    assert (outcomes["quarantine"], outcomes["relist"]) == ("none", "applied")


def test_a_malformed_file_beside_it_freezes_a_withdrawal_and_all_commands_say_so(stocked):
    stocked.write("approvals/approved-pypi/leaf/9.yaml", "files: nothing\n")
    stocked.commit("Broken")
    done = withdraw(stocked, "--quarantine", "--commit")
    assert "not before approvals/approved-pypi/leaf/9.yaml is corrected" in done.out
    assert stocked.run("apply").code == 4
    explained = stocked.run("explain", "approved-pypi", "leaf", "1.2").out
    assert "declared malformed, published listed" in explained
    assert "approvals/approved-pypi/leaf/9.yaml" in explained
    assert last_change(stocked)["outcome"] == "pending"


def test_who_only_unlists_what_was_quarantined_is_told_what_that_opens(stocked):
    withdraw(stocked, "--quarantine", "--commit")
    assert "1.2 was in quarantine" in withdraw(stocked).out


def test_an_approval_that_has_expired_is_not_relisted_in_silence(stocked):
    stocked.write(LEAF, (stocked.root / LEAF).read_text() + "expires: 2020-01-01\n")
    stocked.commit("Expire")
    stocked.run("apply")
    done = stocked.run("relist", "approved-pypi", "leaf", "1.2", "-m", "x")
    assert (done.code, "it expired on 2020-01-01" in done.err) == (64, True)
    explained = stocked.run("explain", "approved-pypi", "leaf", "1.2").out
    assert "declared expired, published unlisted" in explained
    assert "expired    2020-01-01" in explained
    assert "set a later day in `expires:`" in explained
    withdraw(stocked, "--quarantine", "--commit")
    assert "but it expired on 2020-01-01" in stocked.run("relist", "approved-pypi", "leaf", "1.2", "-m", "x").out


def test_where_one_of_several_files_cannot_be_written_all_are_as_before(stocked):
    before = (stocked.root / LEAF).read_bytes()
    (stocked.root / "approvals/linked").symlink_to(stocked.root)
    with pytest.raises(Refused, match="a symbolic link stands in the path"):
        write_files(stocked.root, {LEAF: "other", "approvals/new/a.yaml": "new", "approvals/linked/a.yaml": "through a link"})
    assert (stocked.root / LEAF).read_bytes() == before
    assert not (stocked.root / "approvals/new/a.yaml").exists()
