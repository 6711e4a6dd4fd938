"""The one door to git.

runner.py        runs git, isolated from configuration and environment: the only import of it
objects.py       commits and differences as our own types
repository.py    files at a commit, the chain of landing commits, what each changed
working_tree.py  files as they lie there; commits of the commands that write
"""

from reconciler.declare.revision.objects import REGULAR, SUBMODULE
from reconciler.declare.revision.repository import Repository
from reconciler.declare.revision.working_tree import commit_files, git_user, working_tree

__all__ = ["REGULAR", "SUBMODULE", "Repository", "commit_files", "git_user", "working_tree"]
