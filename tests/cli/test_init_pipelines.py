"""The pipelines that `init` writes: their shape, and their shell steps run for real, in clones of a bare repository as CI makes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from reconciler.propose.remote import Remote
from reconciler.wire.credentials import Credentials, token_variable
from tests.cli.beginning import ACCOUNT, Beginning, shell
from tests.cli.place import ADA, GRACE, Done, Place

PINNED = re.compile(r"actions/[a-z-]+@[0-9a-f]{40}")
WORKFLOW, PIPELINE = ".github/workflows/reconciler.yml", ".gitlab-ci.yml"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A repository that was begun with a pipeline, its bare origin, and a store that outlives every clone."""

    beginning: Beginning
    origin: Path
    store: Path

    def clone(self, name: str, *switches: str) -> Path:
        folder = self.beginning.outside / name
        self.beginning.place.git("clone", "-q", *switches, str(self.origin), str(folder))
        return folder

    def push(self) -> None:
        self.beginning.place.git("push", "-q", "origin", "--all")

    def ask(self, by: tuple[str, str] = ADA) -> None:
        """A branch that asks for a package, pushed."""
        place = self.beginning.place
        place.git("switch", "-q", "-c", "ask", "main")
        assert place.run("advisories", "update").code == 0
        assert place.run("approve", "approved-pypi", "sample", "-m", "MIT").code == 0
        place.commit("Approve sample", by=by)
        self.push()

    def merge(self) -> None:
        place = self.beginning.place
        place.git("switch", "-q", "main")
        place.git("merge", "-q", "--no-ff", "-m", "Merge ask", "ask")
        self.push()

    def promoted(self) -> list[str]:
        return sorted(path.name for path in (self.store / "feeds").rglob("*.whl"))


def scene_of(beginning, ci):
    store = beginning.outside / "store"
    done = beginning.init("--type", "pypi", "--ci", ci, "--install", "echo installed > installed.txt", "--store", str(store))
    assert done.code == 0
    beginning.offline()
    beginning.place.commit("Declare")
    origin = beginning.outside / "origin.git"
    beginning.place.git("init", "-q", "--bare", "-b", "main", str(origin))
    beginning.place.git("remote", "add", "origin", str(origin))
    scene = Scene(beginning=beginning, origin=origin, store=store)
    scene.push()
    return scene


@pytest.fixture
def github(beginning):
    return scene_of(beginning, "github")


@pytest.fixture
def gitlab(beginning):
    return scene_of(beginning, "gitlab")


def github_steps(scene: Scene, job: str, event: str, folder: Path) -> list[tuple[str, Done]]:
    """Runs the steps of a job that an event runs, in order, until one fails."""
    workflow = yaml.safe_load((folder / WORKFLOW).read_text())
    base = {"GITHUB_BASE_REF": "main"} if event == "pull_request" else {}
    base["GITHUB_STEP_SUMMARY"] = str(scene.beginning.outside / "summary.md")
    environment = scene.beginning.environment(**workflow["env"], **base)
    steps = [step for step in workflow["jobs"][job]["steps"] if "run" in step and event in step.get("if", event)]
    done: list[tuple[str, Done]] = []
    for step in steps:
        done.append((step["name"], shell(step["run"], folder, environment)))
        if done[-1][1].code != 0:
            break
    return done


def gitlab_job(scene: Scene, job: str, folder: Path, **predefined: str) -> Done:
    """Runs a job as GitLab's runner does: what comes before it and its own lines as one script."""
    pipeline = yaml.safe_load((folder / PIPELINE).read_text())
    merged = {**pipeline[pipeline[job]["extends"]], **pipeline[job]}
    variables = {**pipeline["variables"], **merged.get("variables", {}), **predefined}
    return shell("\n".join([*merged["before_script"], *merged["script"]]), folder, scene.beginning.environment(**variables))


def of_pull_request(scene: Scene, name: str = "pull-request") -> Path:
    """A clone at the merge commit that GitHub makes."""
    folder = scene.clone(name)
    clone = Place(folder)
    clone.git("checkout", "-q", "--detach", "origin/main")
    clone.git("merge", "-q", "--no-ff", "-m", "Merge ask into main", "origin/ask", by=("GitHub", "noreply@github.com"))
    return folder


def test_the_workflow_has_the_jobs_with_least_permissions_full_depth_and_pinned_actions(github):
    text = (github.beginning.place.root / WORKFLOW).read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow["jobs"]) == {"pull-request", "apply"}
    on = workflow[True]  # YAML 1.1 takes the key `on` for a boolean
    assert on == {"pull_request": {"branches": ["main"]}, "push": {"branches": ["main"]}, "schedule": [{"cron": "17 4 * * *"}]}
    apply = workflow["jobs"]["apply"]
    assert apply["concurrency"] == {"group": "reconciler-apply", "cancel-in-progress": False}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        uses = [step for step in job["steps"] if "uses" in step]
        assert [PINNED.fullmatch(step["uses"]) is not None for step in uses] == [True, True]
        assert uses[0]["with"]["fetch-depth"] == 0
        assert uses[0]["with"]["persist-credentials"] is False
    assert not [step for job in workflow["jobs"].values() for step in job["steps"] if "${{" in step.get("run", "")], "no text in commands"
    assert text.count(" # v") == 4, "the version beside each commit is what update tools read"


def test_the_pipeline_of_gitlab_has_the_jobs_with_full_depth_one_at_a_time(gitlab):
    pipeline = yaml.safe_load((gitlab.beginning.place.root / PIPELINE).read_text())
    assert set(pipeline) == {"variables", ".reconciler", "merge-request", "apply"}
    assert pipeline["variables"]["GIT_DEPTH"] == "0"
    assert pipeline["apply"]["resource_group"] == "reconciler-apply"
    assert [rule["if"] for rule in pipeline["merge-request"]["rules"]] == ['$CI_PIPELINE_SOURCE == "merge_request_event"']
    assert all("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in rule["if"] for rule in pipeline["apply"]["rules"])
    scheduled = pipeline["apply"]["rules"][0]
    assert (scheduled["variables"], '"schedule"' in scheduled["if"]) == ({"REFRESH": "--refresh"}, True)


@pytest.mark.parametrize(
    ("ci", "path", "lines"),
    [
        ("github", WORKFLOW, ["  pull-requests: read ", "  RECONCILER_TOKEN_api_github_com: ${{ github.token }}"]),
        ("gitlab", PIPELINE, ["set RECONCILER_TOKEN_gitlab_com, masked, to a token with the scope read_api"]),
    ],
)
def test_where_reviews_count_the_pipeline_may_read_them(beginning, ci, path, lines):
    arguments = ("--type", "pypi", "--ci", ci, "--install", "true", "--project", "acme/approvals", *ACCOUNT)
    assert beginning.init(*arguments, "--reviews", "reviewed").code == 0
    text = (beginning.place.root / path).read_text()
    assert [line for line in lines if line not in text] == []
    yaml.safe_load(text)


@pytest.mark.parametrize("host", ["github.com", "git-lab.acme.example"])
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_the_variable_of_the_token_is_the_one_that_is_sent_to_the_forge(host, kind):
    api = Remote(host=host, project="acme/approvals").api(kind)
    sent = Credentials({token_variable(api): "secret"}).authorization(httpx.URL(api), upstream=httpx.URL(api))
    assert sent == "Bearer secret"


def test_a_pull_request_at_github_is_checked_and_planned_and_what_landed_is_applied(github):
    github.ask()
    folder = of_pull_request(github)
    done = github_steps(github, "pull-request", "pull_request", folder)
    assert [(name, one.code) for name, one in done] == [("Install", 0), ("Check", 0), ("Advisories", 0), ("Plan", 0)]
    assert (folder / "installed.txt").read_text() == "installed\n"
    assert "1 to change" in done[-1][1].out
    summary = (github.beginning.outside / "summary.md").read_text()
    assert "sample" in summary, "the step's summary is the plan for people"
    assert "public-pypi" in summary
    assert github.promoted() == []

    github.merge()
    done = github_steps(github, "apply", "push", github.clone("runner"))
    assert [(name, one.code) for name, one in done] == [("Install", 0), ("Advisories", 0), ("Apply", 0)]
    assert "1 applied" in done[-1][1].out
    assert github.promoted() == ["sample-1.0-py3-none-any.whl"]

    for path in (github.store / "feeds").rglob("*.whl"):
        path.unlink()
    done = github_steps(github, "apply", "schedule", github.clone("next"))
    assert [(name, one.code) for name, one in done][-1] == ("Apply and compare with what is stored", 0)
    assert "~ repair sample 1.0" in done[-1][1].out
    assert github.promoted() == ["sample-1.0-py3-none-any.whl"]


def test_what_lacks_just_a_review_fails_no_pull_request_and_is_shown(github):
    github.ask(by=GRACE)
    done = github_steps(github, "pull-request", "pull_request", of_pull_request(github))
    assert (done[-1][0], done[-1][1].code) == ("Plan", 0)
    assert "1 held" in done[-1][1].out
    assert "ada can" in done[-1][1].out


def test_a_pull_request_that_is_no_declaration_fails(github):
    github.ask()
    github.beginning.place.write("approvals/approved-pypi/sample/1.0.yaml", "reason: [\n")
    github.beginning.place.commit("Break it")
    github.push()
    done = github_steps(github, "pull-request", "pull_request", of_pull_request(github))
    assert [(name, one.code) for name, one in done][-1] == ("Check", 4)


def test_without_advisories_what_is_known_stays_in_use(github):
    github.ask()
    github.merge()
    assert github_steps(github, "apply", "push", github.clone("runner"))[-1][1].code == 0
    for path in (github.beginning.outside / "osv").rglob("*.zip"):
        path.unlink()
    done = github_steps(github, "apply", "push", github.clone("next"))
    assert [(name, one.code) for name, one in done] == [("Install", 0), ("Advisories", 0), ("Apply", 0)]
    assert "The last good advisories stay in use." in done[1][1].out


def test_a_merge_request_at_gitlab_is_checked_and_planned_and_what_landed_is_applied(gitlab):
    gitlab.ask()
    target = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    folder = gitlab.clone("merge-request", "--single-branch", "--branch", "ask")
    done = gitlab_job(gitlab, "merge-request", folder, **target)
    assert (done.code, "+ promote sample 1.0" in done.out) == (0, True), done.err
    assert gitlab.promoted() == []

    gitlab.merge()
    assert gitlab_job(gitlab, "apply", gitlab.clone("runner")).code == 0
    assert gitlab.promoted() == ["sample-1.0-py3-none-any.whl"]
    for path in (gitlab.store / "feeds").rglob("*.whl"):
        path.unlink()
    assert "~ repair sample 1.0" in gitlab_job(gitlab, "apply", gitlab.clone("next"), REFRESH="--refresh").out


def test_a_merge_request_that_merged_its_target_into_itself_fails(gitlab):
    gitlab.ask()
    place = gitlab.beginning.place
    place.git("switch", "-q", "main")
    place.write("README.md", "more\n")
    place.commit("More")
    place.git("switch", "-q", "ask")
    place.git("merge", "-q", "--no-edit", "main")
    gitlab.push()
    folder = gitlab.clone("merge-request", "--single-branch", "--branch", "ask")
    done = gitlab_job(gitlab, "merge-request", folder, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
    assert (done.code, "foxtrot" in done.err) == (3, True)
