"""Runs git: the only import of it, and the settings under which everything is read.

Read by plumbing (https://git-scm.com/docs), which knows no mailmap, textconv, attributes or pager; system and user configuration,
replace refs and grafts are switched off. So nothing that an ordinary contributor can push (`.mailmap`, `.gitattributes -diff`) changes
what is read, and two machines read the same. GIT_DIR and its like are given explicitly: the user has named the repository, so git need
not guess whether it is theirs, and what a hook's environment says of another one does not count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from reconciler.errors import PreconditionFailed
from reconciler.stores.spool import spooled

try:
    import git
    from git.exc import GitCommandError, InvalidGitRepositoryError, NoSuchPathError
except ImportError as error:  # GitPython looks for git when it is imported
    message = "git is not installed"
    raise PreconditionFailed(message, remedy="install git (a slim container image has none)") from error

ENVIRONMENT: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "0",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class Git:
    """git in one repository, whatever the environment (of a hook, say) names."""

    def __init__(self, folder: Path, *, isolated: bool = True) -> None:
        """Finds the repository that contains the folder; PreconditionFailed where there is none.

        `isolated`: without anybody's configuration, for reading. Commits are made with the configuration of whoever makes them.
        """
        try:
            repo = git.Repo(folder.resolve(), search_parent_directories=True, expand_vars=False)
        except (InvalidGitRepositoryError, NoSuchPathError) as error:
            message = f"{folder} is not in a git repository"
            raise PreconditionFailed(
                message,
                remedy="run `git init` and commit feeds.yaml, policies/ and approvals/ (`reconciler init` writes them), or name the folder with -C",
            ) from error
        self.root = Path(repo.working_tree_dir or repo.git_dir)
        self.folder = Path(repo.git_dir).absolute()
        self._git = git.Git(self.root)
        places = {"GIT_DIR": self.folder, "GIT_WORK_TREE": self.root, "GIT_INDEX_FILE": self.folder / "index"}
        self._git.update_environment(**{name: str(Path(place).absolute()) for name, place in places.items()})
        self._git.update_environment(**(ENVIRONMENT if isolated else {"GIT_LITERAL_PATHSPECS": "1"}))

    def run(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> tuple[int, bytes, str]:
        """Exit status, standard output, standard error. `environment` is laid over the one of every run."""
        with spooled("a request to git", stdin) as request:
            status, output, told = self._git.execute(
                ["git", *arguments],
                istream=request,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=environment,
            )
        return status, bytes(output), told

    def output(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Standard output; PreconditionFailed where git fails."""
        status, output, told = self.run(*arguments, stdin=stdin)
        if status != 0:
            raise unreadable(told)
        return output

    def text(self, *arguments: str) -> str:
        """Standard output as text."""
        return self.output(*arguments).decode()

    @contextmanager
    def stream(self, *arguments: str, requests: Sequence[str]) -> Iterator[IO[bytes]]:
        """Standard output while git writes it, answering one request a line; git is ended with the block.

        PreconditionFailed where git fails, once all that it wrote was read.
        """
        with spooled("a request to git", "".join(f"{line}\n" for line in requests).encode()) as request:
            process: Any = self._git.execute(["git", *arguments], istream=request, as_process=True)
            try:
                yield process.stdout
                process.wait()
            except GitCommandError as error:
                raise unreadable(str(error.stderr).strip()) from error
            finally:
                del process  # this ends it, where it has not ended, and closes its pipes


def create_repository(folder: Path) -> None:
    """`git init`, with the branch that the user's configuration names, else main."""
    folder.mkdir(parents=True, exist_ok=True)
    named = git.Git(folder).execute(["git", "config", "--get", "init.defaultBranch"], with_exceptions=False)
    git.Repo.init(folder, expand_vars=False, initial_branch=str(named).strip() or "main").close()


def unreadable(told: str) -> PreconditionFailed:
    """What is raised where git cannot read its own repository."""
    message = f"git cannot read the repository: {told}"
    return PreconditionFailed(message, remedy="run `git fsck`, or clone it again")
