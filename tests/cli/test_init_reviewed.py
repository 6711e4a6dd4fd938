"""With `--reviews reviewed` one administrator can let in what others ask for, and not what they ask for themselves."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from reconciler.propose.remote import Remote
from reconciler.propose.scaffold import scaffold
from reconciler.propose.scaffold.choices import Administrator, Choices
from tests.cli.place import FEEDS, Place
from tests.cli.reviewed import ADA, ALAN, LEAF, NUMBERS, leaf
from tests.support.forge import ForgeServer
from tests.support.repositories import Repo


@contextmanager
def begun(folder, kind):
    """What `init` writes, with folders as upstreams (which have no dates and no advisories) and a forge on loopback."""
    ada = Administrator(id="ada", name=ADA.name, email=ADA.email, account=NUMBERS["ada"], login="ada")
    choices = Choices(
        types=("nuget", "pypi"),
        reviews="reviewed",
        administrator=ada,
        ci=kind,
        forge=Remote(host="forge.example", project="acme/approvals"),
        forge_kind=kind,
        store="./.feeds",
        branch="main",
        install="true",
    )
    files = {
        path: text for path, text in scaffold(choices, {}).items() if path not in {"policies/age.yaml", "policies/vulnerabilities.yaml"}
    }
    place = Place(folder)
    with Repo(folder) as repo, ForgeServer(kind, repo) as forge:
        place.offer_wheel("leaf", "1.2")
        for login, number in NUMBERS.items():
            forge.join(login, number=number, email=f"{login}@example.org")
        told = f"type: {kind}\nurl: {forge.url}\nproject: {forge.project}\n"
        repo.commit({**files, "feeds.yaml": FEEDS, "policies/forge.yaml": told}, "Declare the feeds", by=ADA)
        repo.branch("topic")
        yield place, repo, forge


@pytest.mark.parametrize("kind", ["github", "gitlab"])
@pytest.mark.parametrize(("author", "reviewer", "outcome"), [(ALAN, "ada", "1 to change, 0 held"), (ADA, "alan", "0 to change, 1 held")])
def test_who_reviews_is_somebody_else_who_may_promote(tmp_path, monkeypatch, kind, author, reviewer, outcome):
    monkeypatch.setenv("RECONCILER_CACHE", str(tmp_path / "cache"))
    with begun(tmp_path / "place", kind) as (place, repo, forge):
        repo.commit({LEAF: leaf()}, "Approve leaf", by=author, on="topic")
        pull = forge.open("topic", by="alan" if author is ALAN else "ada")
        forge.review(pull, by=reviewer)
        forge.merge(pull)
        repo.close()
        done = place.run("plan")
    assert (done.code, outcome in done.out) == (0, True), done.out + done.err
