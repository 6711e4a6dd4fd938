"""A repository with a branch, and a wire, for the tests of each forge."""

from __future__ import annotations

import pytest

from reconciler.declare.revision import Repository
from reconciler.model.evidence import PullRequest
from reconciler.observe.forge import evidence_of
from reconciler.observe.forges.landings import Landings
from reconciler.wire import Timeouts, Wire
from tests.support.repositories import Repo

APPROVAL = "approvals/approved-npm/left-pad/1.3.0.yaml"


@pytest.fixture
def repo(tmp_path):
    with Repo(tmp_path / "repo") as repo:
        repo.commit({"feeds.yaml": "store: x\n", "policies/old.yaml": "rule: x\n"}, "Begin")
        repo.branch("topic")
        repo.commit({APPROVAL: "one\n"}, "Approve left-pad", on="topic")
        yield repo


@pytest.fixture
def wire():
    with Wire(Timeouts(connect=1.0, read=0.5, pause=0.01, document=1.0)) as wire:
        yield wire


@pytest.fixture
def ask(repo, wire):
    """The pull request that the forge tells of a landing commit."""

    def asked(forge, commit) -> PullRequest | None:
        repo.close()
        repository = Repository(repo.path)
        landings = Landings(repository.chain(repo.tip()), repository.commits)
        return evidence_of(forge.declared, commit, landings=landings, wire=wire).pull_request

    return asked


@pytest.fixture
def pull(forge):
    return forge.open("topic", by="ada")


@pytest.fixture
def land(forge, pull, ask):
    """Merges the pull request, and asks for it."""

    def landed(method="merge"):
        found = ask(forge, forge.merge(pull, method)[-1])
        assert found is not None
        return found

    return landed
