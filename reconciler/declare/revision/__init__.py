"""The one door to git.

runner.py            runs git, isolated from configuration and environment: the only import of it
objects.py           commits and differences as our own types
signature_header.py  which kind of signature a commit carries, and which key it names
ssh_signatures.py    whether such a signature is good
repository.py        files at a commit, the chain of landing commits, what each changed, who signed it
notes.py             notes on commits, read and written all at once
working_tree.py      files as they lie there; commits of the commands that write
branches.py          branches of the commands that write, and where they are pushed to
"""

from reconciler.declare.revision.branches import (
    address_of,
    commit_on_branch,
    current_branch,
    default_branch,
    holds_just,
    push_branch,
    remote_of,
    require_name,
)
from reconciler.declare.revision.notes import Entry, Noted, Notes, set_aside
from reconciler.declare.revision.objects import REGULAR, SUBMODULE
from reconciler.declare.revision.repository import Repository
from reconciler.declare.revision.runner import create_repository
from reconciler.declare.revision.working_tree import commit_files, git_setting, git_user, landing_branch, working_tree

__all__ = [
    "REGULAR",
    "SUBMODULE",
    "Entry",
    "Noted",
    "Notes",
    "Repository",
    "address_of",
    "commit_files",
    "commit_on_branch",
    "create_repository",
    "current_branch",
    "default_branch",
    "git_setting",
    "git_user",
    "holds_just",
    "landing_branch",
    "push_branch",
    "remote_of",
    "require_name",
    "set_aside",
    "working_tree",
]
