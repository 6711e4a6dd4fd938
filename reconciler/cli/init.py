"""`init`: a repository that works at once."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, TypedDict, Unpack

import click

from reconciler.cli.desk import write_files
from reconciler.cli.schema import FILES, schema_text
from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.declare.policies import PROJECT
from reconciler.declare.revision import Repository, create_repository, git_setting, git_user, landing_branch
from reconciler.errors import DeclarationInvalid, PreconditionFailed, Refused
from reconciler.model.declared import ForgeKind
from reconciler.model.events import ASSURANCES, Assurance, Person
from reconciler.model.forges import SITES
from reconciler.propose.remote import Remote, remote_of
from reconciler.propose.scaffold import IGNORED, scaffold
from reconciler.propose.scaffold.choices import Administrator, Choices, account_of, user_id
from reconciler.propose.scaffold.installing import install_command
from reconciler.propose.scaffold.rules import DEFAULT_STORE, TYPES
from reconciler.show.inert import inert

ACCOUNT: Final = re.compile(r"(?P<login>[A-Za-z0-9][A-Za-z0-9_.-]{0,99}):(?P<number>[1-9][0-9]{0,17})")
MAX_KEY_BYTES: Final = 16_384


class InitOptions(TypedDict):
    """The options of `init`, as click passes them."""

    types: tuple[str, ...]
    ci: ForgeKind | None
    reviews: Assurance
    store: str
    project: str | None
    account: str | None
    install: str | None
    schemas: bool


@click.command()
@click.argument("target", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--type", "types", multiple=True, required=True, type=click.Choice(sorted(TYPES)), help="A type of feeds; may be repeated.")
@click.option("--ci", type=click.Choice(tuple(SITES)), help="Also a pipeline for GitHub Actions or GitLab CI, and CODEOWNERS.")
@click.option(
    "--reviews", type=click.Choice(ASSURANCES), default="claimed", show_default=True, help="How well who approves a package must be known."
)
@click.option("--store", default=DEFAULT_STORE, show_default=True, help="The folder that feeds are kept in.")
@click.option("--project", metavar="OWNER/NAME", help="The repository at the forge; default: that of the remote origin.")
@click.option(
    "--account", metavar="LOGIN:NUMBER", help="Your account there; default: that of the forge's own e-mail address, if you use it."
)
@click.option("--install", metavar="COMMAND", help="How CI installs reconciler; default: as it is installed here.")
@click.option("--schemas", is_flag=True, help="Also JSON Schemas in .schemas/, and in each YAML file the line by which editors find them.")
@click.pass_obj
def init(folder: Path, target: Path, **options: Unpack[InitOptions]) -> None:
    """Write a new repository: feeds, narrow permissions, policies, and what to do next. No file that is there is ever changed.

    The git user becomes the one administrator, and the one who may promote; everybody else may download. For each type there is a public
    feed, which shows the well-known index, and an approved one.

    \b
    Example:
      reconciler init approvals --type nuget --type npm
      reconciler init --type pypi --ci github --reviews reviewed --project acme/approvals --account ada:4711
    """
    root = _repository(folder / target)
    choices = _choices(root, options)
    files = scaffold(choices, {kind: schema_text(kind) for kind in FILES} if options["schemas"] else {})
    _require_sound(files)
    new = _require_untouched(root, files)
    write_files(root, new)
    for path in new:
        click.echo(path)
    one = choices.administrator
    click.echo(f"{len(new)} files written." if new else "All files are there already: nothing was written.")
    click.echo(f"{inert(f'{one.name} <{one.email}>')} ({one.id}) may administer and promote, everybody else may download.")
    click.echo("\n".join(("", "Next:", *(f"  {line}" for line in _next(root, folder / target, choices)))))
    for note in _notes(choices):
        click.echo(f"\nNote: {note}")


def _repository(folder: Path) -> Path:
    """The root of the repository at a folder, begun where there is none."""
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.is_dir())
    try:
        root = Repository(there).root
    except PreconditionFailed:
        create_repository(folder)
        return Repository(folder).root
    if git_setting(root, "core.bare") == "true":
        message = f"{folder} is a bare repository, which has no files"
        raise Refused(message, remedy="begin in a clone of it")
    if root.resolve() != folder.resolve():
        message = f"{folder} lies inside the repository {root}, and a declaration lies at the top of one"
        raise Refused(message, remedy=f"`git init {shlex.quote(str(folder))}` first, if it shall be a repository of its own")
    return root


def _choices(root: Path, options: InitOptions) -> Choices:
    remote = _remote(root, options)
    kind = options["ci"] or (remote.kind if remote else None)
    person = git_user(root)
    account = _account(options["account"]) or account_of(person, kind)
    reviewed = options["reviews"] == "reviewed"
    if reviewed:
        _require_reviewable(remote, kind, account, person)
    administrator = Administrator(
        id=user_id(person),
        name=person.name,
        email=person.email.casefold(),
        account=account[0] if account else None,
        login=account[1] if account else None,
        signing_key=_signing_key(root) if options["reviews"] == "signed" else None,
    )
    return Choices(
        types=tuple(dict.fromkeys(options["types"])),
        reviews=options["reviews"],
        administrator=administrator,
        ci=options["ci"],
        forge=remote if reviewed else None,
        forge_kind=kind,
        store=options["store"],
        branch=landing_branch(root),
        install=(options["install"] or _installed_by()) if options["ci"] else "",
    )


def _require_reviewable(remote: Remote | None, kind: ForgeKind | None, account: tuple[int, str] | None, person: Person) -> None:
    """Where pull requests are reviewed is known, and the account of the one who may administer there."""
    if remote is None or kind is None:
        message = "nobody knows where pull requests are reviewed"
        remedy = "add the remote (`git remote add origin ADDRESS`), or say --ci github|gitlab and --project OWNER/NAME"
        raise Refused(message, remedy=remedy)
    if account is None:
        message = f"nobody could be known as reviewed: which account of {kind} is {person.name} <{person.email}>?"
        raise Refused(message, remedy=f"say --account LOGIN:NUMBER; the number is `id` in {remote.api(kind)}{SITES[kind].accounts}")


def _remote(root: Path, options: InitOptions) -> Remote | None:
    """The project that is said, else the one of origin; the host is origin's, unless the pipeline is for another forge."""
    found, said = remote_of(git_setting(root, "remote.origin.url")), options["project"]
    if found is not None and options["ci"] and found.kind not in {None, options["ci"]}:
        found = None
    if said is None:
        return found
    if not PROJECT.fullmatch(said) or ".." in said:
        message = f"--project {said!r} is none: expected a project as in acme/approvals"
        raise click.UsageError(message)
    host = found.host if found else SITES[options["ci"]].hosts[0] if options["ci"] else None
    return Remote(host=host, project=said) if host else None


def _account(said: str | None) -> tuple[int, str] | None:
    if said is None:
        return None
    found = ACCOUNT.fullmatch(said)
    if found is None:
        message = f"--account {said!r} is none: expected login and number as in ada:4711"
        raise click.UsageError(message)
    return int(found["number"]), found["login"]


def _signing_key(root: Path) -> str:
    """The public key that git signs with (https://git-scm.com/docs/git-config#Documentation/git-config.txt-usersigningKey)."""
    said = git_setting(root, "user.signingkey") if git_setting(root, "gpg.format") == "ssh" else ""
    if said.startswith(("key::", "ssh-", "ecdsa-", "sk-")):
        return said.removeprefix("key::")
    path = Path(said).expanduser()
    try:
        with (path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")).open(encoding="utf-8") as file:
            return file.read(MAX_KEY_BYTES).strip()
    except (OSError, ValueError) as error:  # ValueError: no name at all, or no text
        message = "git here signs with no SSH key that can be read, so nobody could be known as signed"
        remedy = "`git config --global gpg.format ssh` and `git config --global user.signingkey ~/.ssh/id_ed25519.pub`"
        raise PreconditionFailed(message, remedy=remedy) from error


def _installed_by() -> str:
    try:
        command = install_command(distribution("reconciler").read_text("direct_url.json"))
    except PackageNotFoundError:
        command = None
    if command is None:
        message = "how shall CI install reconciler? Only its commit in a repository can be told from how it is installed here"
        raise Refused(
            message,
            remedy="say --install COMMAND, as in --install 'pip install --index-url https://pypi.acme.example/simple/ reconciler==0.1.0'",
        )
    return command


def _require_sound(files: Mapping[str, str]) -> None:
    """What is written is a declaration that comes into force, or nothing is written."""
    try:
        load_rules({path: text.encode() for path, text in files.items()}, KINDS)
    except DeclarationInvalid as error:
        message = f"this would be no valid declaration: {error}"
        raise Refused(message, remedy="name and address come from `git config user.name` and `git config user.email`") from error


def _require_untouched(root: Path, files: Mapping[str, str]) -> dict[str, str]:
    """The files that are not there yet; Refused if one is there and says something else."""
    there = [path for path in files if (root / path).exists() or (root / path).is_symlink()]
    other = [path for path in there if not _says(root / path, files[path])]
    if other:
        message = f"these files are there already, and say something else: {', '.join(other)}; nothing was written"
        hint = f"add the line {IGNORED} to .gitignore, " if ".gitignore" in other else ""
        raise Refused(message, remedy=f"{hint}move them away, or name another folder")
    return {path: text for path, text in files.items() if path not in there}


def _says(path: Path, text: str) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    found = path.read_bytes()
    return found == text.encode() or (path.name == ".gitignore" and IGNORED.encode() in found.splitlines())


def _next(root: Path, target: Path, choices: Choices) -> Iterator[str]:
    """At most five commands to the first promotion."""
    there = f"cd {shlex.quote(str(target))} && " if target.resolve() != Path.cwd() else ""
    signs = choices.reviews != "signed" or git_setting(root, "commit.gpgsign") == "true"
    signing = "" if signs else "git config commit.gpgsign true && "
    yield f'{there}{signing}git add --all && git commit -m "Declare feeds, permissions and policies"'
    yield "reconciler advisories update"
    branch = "git switch -c ask && " if choices.reviews == "reviewed" else ""
    yield f'{branch}reconciler approve approved-{choices.types[0]} PACKAGE -m "why it may be used" --commit'
    yield (
        "reconciler apply"
        if not branch
        else "git push origin HEAD    # and open a pull request; once it is reviewed and merged, CI applies it"
    )


def _notes(choices: Choices) -> Iterator[str]:
    if choices.reviews == "reviewed":
        yield "nobody can review at the forge what they asked for: somebody else asks, you review (policies/review.yaml)."
    if choices.ci == "github":
        yield "the apply job wants a self-hosted runner, which keeps the store; protect the branch at the forge."
    if choices.ci == "gitlab":
        yield "the apply job wants a runner of your own with the tag `reconciler`, which keeps the store; protect the branch at the forge."
