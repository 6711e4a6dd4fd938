"""What the REST APIs of GitHub and GitLab answer, in the shapes that they document: https://docs.github.com/rest, https://docs.gitlab.com/api/.

A row of ANSWERS: the path, whose first group is the project, and a function of the forge, the query and the other groups that gives a
JSON value; None and KeyError are 404. A list is cut into pages by the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from tests.support.forge import Account, ForgeServer, Pull, Pushed, Said

Query: TypeAlias = Mapping[str, str]
Document: TypeAlias = Mapping[str, Any]

MAX_COMMITS: Final = 250
MAX_FILES: Final = 3000
MAX_DIFFS: Final = 1000


def _pulls_of(forge: ForgeServer, commit: str) -> list[Pull]:
    known = [pull for pull in forge.pulls.values() if commit in {pull.head, *pull.landed, *(one.id for one in pull.commits)}]
    return sorted(known, key=lambda pull: -pull.number)


# --- GitHub -------------------------------------------------------------------------------------------------------------------


def _github_user(account: Account) -> Any:
    return {"login": account[1], "id": account[0], "type": "User", "site_admin": False} if account else None


def _github_time(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _github_listed(forge: ForgeServer, pull: Pull) -> dict[str, Any]:
    return {
        "id": 5_000_000_000 + pull.number,
        "number": pull.number,
        "state": "closed" if pull.merged_at else "open",
        "title": pull.title or f"Pull request {pull.number}",
        "html_url": f"https://github.com/{forge.project}/pull/{pull.number}",
        "user": _github_user(pull.opener),
        "merged_at": _github_time(pull.merged_at),
        "merge_commit_sha": pull.landed[-1] if pull.landed else "f" * 40,
        "head": {"ref": pull.branch, "sha": pull.head, "repo": {"full_name": pull.source or forge.project}},
        "base": {"ref": pull.base, "repo": {"id": 1, "full_name": forge.project}},
    }


def _github_pulls(forge: ForgeServer, query: Query, commit: str) -> Any:
    return [_github_listed(forge, pull) for pull in _pulls_of(forge, commit)]


def _github_pull(forge: ForgeServer, query: Query, number: str) -> Any:
    pull = forge.pulls[int(number)]
    return _github_listed(forge, pull) | {
        "merged": pull.merged_at is not None,
        "merged_by": _github_user(pull.merger),
        "commits": len(pull.commits),
        "changed_files": len(pull.files),
    }


def _github_commit(one: Pushed) -> Any:
    author = {"name": one.person.name, "email": one.person.email, "date": _github_time(one.at)}
    told = {"author": author, "committer": {**author, "email": one.committed_by}, "message": one.message, "tree": {"sha": "0" * 40}}
    return {"sha": one.id, "commit": told, "author": _github_user(one.author), "committer": _github_user(one.committer) or {}}


def _github_review(number: int, said: Said) -> Any:
    told = {"id": number, "user": _github_user(said.by), "body": "", "state": said.state, "commit_id": said.commit}
    return told if said.state == "PENDING" else told | {"submitted_at": _github_time(said.at)}


def _github_file(pull: Pull, path: str) -> Any:
    blob = pull.files[path]
    status = "renamed" if path in pull.renamed else "modified" if blob else "removed"
    told = {"sha": blob or "e" * 40, "filename": path, "status": status, "additions": 1, "deletions": 0, "patch": "@@ -0,0 +1 @@"}
    return told | ({"previous_filename": pull.renamed[path]} if path in pull.renamed else {})


def _github_commits(forge: ForgeServer, query: Query, number: str) -> Any:
    return [_github_commit(one) for one in forge.pulls[int(number)].commits[:MAX_COMMITS]]


def _github_reviews(forge: ForgeServer, query: Query, number: str) -> Any:
    return [_github_review(place, said) for place, said in enumerate(forge.pulls[int(number)].reviews, start=80)]


def _github_files(forge: ForgeServer, query: Query, number: str) -> Any:
    pull = forge.pulls[int(number)]
    return [_github_file(pull, path) for path in pull.files][:MAX_FILES]


def _github_project(forge: ForgeServer, query: Query) -> Any:
    return {"id": 1, "full_name": forge.project, "default_branch": "main"}


def _github_open(forge: ForgeServer, query: Query) -> Any:
    owner, _, branch = query.get("head", "").partition(":")
    return [
        _github_listed(forge, pull)
        for pull in forge.pulls.values()
        if not pull.merged_at and pull.branch == branch and (pull.source or forge.project).partition("/")[0] == owner
    ]


def _github_opens(forge: ForgeServer, document: Document) -> tuple[int, Any]:
    owner, _, branch = document["head"].rpartition(":")
    own = owner in {"", forge.project.partition("/")[0]}
    if any(pull["state"] == "open" for pull in _github_open(forge, {"head": document["head"]})):
        return 422, _github_fault("PullRequest", f"A pull request already exists for {document['head']}.")
    if (own and not _has(forge, branch)) or not _has(forge, document["base"]):
        return 422, {"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}]}
    pull = forge.open(branch, by=forge.user, base=document["base"])
    pull.title, pull.source = document["title"], None if own else f"{owner}/{forge.project.partition('/')[2]}"
    return 201, _github_listed(forge, pull)


def _github_fault(resource: str, message: str) -> Any:
    return {"message": "Validation Failed", "errors": [{"resource": resource, "code": "custom", "message": message}]}


def _has(forge: ForgeServer, branch: str) -> bool:
    return f"refs/heads/{branch}" in forge.repo.git("for-each-ref", "--format=%(refname)").split("\n")


# --- GitLab -------------------------------------------------------------------------------------------------------------------


def _gitlab_user(account: Account) -> Any:
    return {"id": account[0], "username": account[1], "name": account[1].title(), "state": "active"} if account else None


def _gitlab_time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def _gitlab_listed(forge: ForgeServer, pull: Pull) -> dict[str, Any]:
    merged = pull.merged_at is not None
    return {
        "id": 9_000 + pull.number,
        "iid": pull.number,
        "title": pull.title or f"Merge request {pull.number}",
        "source_project_id": 2 if pull.source else 1,
        "target_project_id": 1,
        "state": "merged" if merged else "opened",
        "web_url": f"https://gitlab.example/{forge.project}/-/merge_requests/{pull.number}",
        "author": _gitlab_user(pull.opener),
        "merged_by": _gitlab_user(pull.merger),
        "merge_user": _gitlab_user(pull.merger),
        "merged_at": _gitlab_time(pull.merged_at),
        "sha": pull.head,
        "merge_commit_sha": pull.landed[-1] if pull.method == "merge" else None,
        "squash_commit_sha": pull.squashed,
        "source_branch": pull.branch,
        "target_branch": pull.base,
        "references": {
            "short": f"!{pull.number}",
            "relative": f"!{pull.number}",
            "full": f"{forge.project}!{pull.number}",
        },
    }


def _gitlab_requests(forge: ForgeServer, query: Query, commit: str) -> Any:
    return [_gitlab_listed(forge, pull) for pull in _pulls_of(forge, commit)]


def _gitlab_request(forge: ForgeServer, query: Query, number: str) -> Any:
    pull = forge.pulls[int(number)]
    many = len(pull.files)
    return _gitlab_listed(forge, pull) | {"changes_count": f"{MAX_DIFFS}+" if many > MAX_DIFFS else str(many) if many else None}


def _gitlab_commits(forge: ForgeServer, query: Query, number: str) -> Any:
    return [
        {
            "id": one.id,
            "message": f"{one.message}\n",
            "author_name": one.person.name,
            "author_email": one.person.email,
            "committer_email": one.committed_by,
            "authored_date": one.at.isoformat(timespec="milliseconds"),
        }
        for one in reversed(forge.pulls[int(number)].commits)
    ]


def _gitlab_versions(forge: ForgeServer, query: Query, number: str) -> Any:
    versions = forge.pulls[int(number)].versions
    return [{"id": 1, "head_commit_sha": head, "created_at": _gitlab_time(at), "state": "collected"} for head, at in reversed(versions)]


def _gitlab_approvals(forge: ForgeServer, query: Query, number: str) -> Any:
    last = {said.by: said for said in forge.pulls[int(number)].reviews if said.state in {"APPROVED", "UNAPPROVED"}}
    given = [said for said in last.values() if said.state == "APPROVED"]
    told = [{"user": _gitlab_user(said.by)} | ({"approved_at": _gitlab_time(said.at)} if forge.tells_time else {}) for said in given]
    return {"user_has_approved": False, "user_can_approve": False, "approved": bool(told), "approved_by": told}


def _gitlab_notes(forge: ForgeServer, query: Query, number: str) -> Any:
    pull = forge.pulls[int(number)]
    words = {"APPROVED": "approved this merge request", "UNAPPROVED": "unapproved this merge request"}
    system = [(words[said.state], True, said.by, said.at) for said in pull.reviews if said.state in words]
    said = [(body, False, pull.reviews[-1].by if pull.reviews else None, forge.now) for body in forge.comments]
    return [
        {"id": 1, "body": body, "system": is_system, "author": _gitlab_user(by), "created_at": _gitlab_time(at)}
        for body, is_system, by, at in reversed(system + said)
    ]


def _gitlab_diffs(forge: ForgeServer, query: Query, number: str) -> Any:
    pull = forge.pulls[int(number)]
    return [
        {
            "old_path": pull.renamed.get(path, path),
            "new_path": path,
            "renamed_file": path in pull.renamed,
            "deleted_file": blob is None,
            "new_file": False,
            "diff": "",
        }
        for path, blob in pull.files.items()
    ][:MAX_DIFFS]


def _gitlab_tree(forge: ForgeServer, query: Query) -> Any:
    folder = query.get("path", "")
    tree = next((pull.tree for pull in forge.pulls.values() if pull.head == query["ref"]), {})
    prefix = f"{folder}/" if folder else ""
    inside = {path: blob for path, blob in tree.items() if path.startswith(prefix)}
    files = {path: blob for path, blob in inside.items() if "/" not in path.removeprefix(prefix)}
    if not inside:
        return None
    return [{"id": blob, "name": path.removeprefix(prefix), "type": "blob", "path": path, "mode": "100644"} for path, blob in files.items()]


def _gitlab_project(forge: ForgeServer, query: Query) -> Any:
    return {"id": 1, "path_with_namespace": forge.project, "default_branch": "main"}


def _gitlab_open(forge: ForgeServer, query: Query) -> Any:
    return [_gitlab_listed(forge, pull) for pull in forge.pulls.values() if not pull.merged_at and pull.branch == query["source_branch"]]


def _gitlab_opens(forge: ForgeServer, document: Document) -> tuple[int, Any]:
    branch, base = document["source_branch"], document["target_branch"]
    there = [pull["iid"] for pull in _gitlab_open(forge, {"source_branch": branch}) if pull["source_project_id"] == 1]
    if there:
        return 409, {"message": [f"Another open merge request already exists for this source branch: !{there[0]}"]}
    if not _has(forge, branch) or not _has(forge, base):
        return 400, {"message": {"source_branch": ["does not exist"]}}
    pull = forge.open(branch, by=forge.user, base=base)
    pull.title = document["title"]
    return 201, _gitlab_listed(forge, pull)


_PULL: Final = r"/repos/([^/]+/[^/]+)/pulls/(\d+)"
_PROJECT: Final = "/projects/([^/]+)"
_REQUEST: Final = rf"{_PROJECT}/merge_requests/(\d+)"

ANSWERS: Final[Mapping[str, tuple[tuple[re.Pattern[str], Callable[..., Any]], ...]]] = {
    "github": (
        (re.compile("/repos/([^/]+/[^/]+)"), _github_project),
        (re.compile("/repos/([^/]+/[^/]+)/pulls"), _github_open),
        (re.compile("/repos/([^/]+/[^/]+)/commits/([0-9a-f]+)/pulls"), _github_pulls),
        (re.compile(_PULL), _github_pull),
        (re.compile(f"{_PULL}/commits"), _github_commits),
        (re.compile(f"{_PULL}/reviews"), _github_reviews),
        (re.compile(f"{_PULL}/files"), _github_files),
    ),
    "gitlab": (
        (re.compile(_PROJECT), _gitlab_project),
        (re.compile(f"{_PROJECT}/merge_requests"), _gitlab_open),
        (re.compile(f"{_PROJECT}/repository/commits/([0-9a-f]+)/merge_requests"), _gitlab_requests),
        (re.compile(_REQUEST), _gitlab_request),
        (re.compile(f"{_REQUEST}/commits"), _gitlab_commits),
        (re.compile(f"{_REQUEST}/versions"), _gitlab_versions),
        (re.compile(f"{_REQUEST}/approvals"), _gitlab_approvals),
        (re.compile(f"{_REQUEST}/notes"), _gitlab_notes),
        (re.compile(f"{_REQUEST}/diffs"), _gitlab_diffs),
        (re.compile(f"{_PROJECT}/repository/tree"), _gitlab_tree),
    ),
}

POSTS: Final[Mapping[str, tuple[re.Pattern[str], Callable[[ForgeServer, Document], tuple[int, Any]]]]] = {
    "github": (re.compile("/repos/([^/]+/[^/]+)/pulls"), _github_opens),
    "gitlab": (re.compile(f"{_PROJECT}/merge_requests"), _gitlab_opens),
}
"""What a pull request is opened by: the path, whose group is the project, and a function of the forge and the document that gives status and value."""
