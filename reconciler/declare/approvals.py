"""approvals/<feed>/<package>/<version>.yaml: the text of one, and all of a commit at their places.

One file that cannot be used freezes its own package and nothing else, so `load_approvals` raises nothing: what is wrong with a file
stands beside those that are right. Two files of one identity are both wrong, since nobody can say which of them was meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.declare.check import check
from reconciler.declare.paths import UnsafePath, parse_approval_path
from reconciler.declare.schema import ApprovalFile
from reconciler.declare.strict_yaml import read
from reconciler.declare.wording import inert, one_of, quoted
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import (
    APPROVALS_FOLDER,
    Approval,
    ApprovalPath,
    Approvals,
    ApprovedFile,
    DeclaredApproval,
    Deprecation,
    Endorsement,
    Feed,
    MalformedApproval,
    Rules,
    TreeFile,
    Withdrawal,
)
from reconciler.model.words import BlobId, FeedName, Identity, Problem, VersionKey

if TYPE_CHECKING:
    from reconciler.ecosystems.interface import Ecosystem

REGULAR_MODES: Final = frozenset({"100644", "100755", "100664"})
MODE_NAMES: Final[Mapping[str, str]] = {"120000": "a symbolic link", "160000": "a submodule"}
NO_APPROVALS: Final = frozenset({".gitkeep", "README.md"})
"""Files that people and git put into a folder, and that are no approvals."""
NOTHING_PARSED: Final[Mapping[BlobId, Approval]] = MappingProxyType({})


def load_approval(path: str, data: bytes) -> Approval:
    """The text of an approval, checked by itself; DeclarationInvalid with all that is wrong with it."""
    checked = check(ApprovalFile, read(path, data))
    if checked.problems or checked.shape is None:
        raise DeclarationInvalid(checked.problems)
    shape = checked.shape
    files = [
        ApprovedFile(name=name, size=file.size, sha256=file.sha256, content_hash=file.content_hash) for name, file in shape.files.items()
    ]
    return Approval(
        source=shape.source,
        reason=shape.reason,
        ticket=shape.ticket or "",
        expires=shape.expires,
        files=tuple(sorted(files, key=lambda file: file.name)),
        endorsed=tuple(Endorsement(by=e.by, reason=e.reason) for e in shape.endorsed),
        required_by=tuple(shape.required_by),
        withdrawn=Withdrawal(action=taken.action, reason=taken.reason, since=taken.since) if (taken := shape.withdrawn) else None,
        deprecated=Deprecation(reason=old.reason, use=old.use or "") if (old := shape.deprecated) else None,
    )


def load_approvals(
    files: Iterable[TreeFile],
    rules: Rules,
    *,
    ecosystems: Mapping[str, Ecosystem],
    parsed: Mapping[BlobId, Approval] = NOTHING_PARSED,
) -> Approvals:
    """All approvals among the files of a commit; files of other folders are passed over. `parsed`: texts that were read already."""
    inside = [file for file in files if is_inside(file.path)]
    read_files = [_declared(file, rules, ecosystems, parsed) for file in inside if not is_passed_over(file)]
    places: defaultdict[Identity, list[str]] = defaultdict(list)
    for one in read_files:
        if one.identity is not None:
            places[one.identity].append(one.path)
    judged = [_alone(one, places) for one in read_files]
    return Approvals(
        found=any(file.path.startswith(f"{APPROVALS_FOLDER}/") for file in inside),
        valid={one.identity: one for one in judged if isinstance(one, DeclaredApproval)},
        malformed=tuple(sorted((one for one in judged if isinstance(one, MalformedApproval)), key=lambda one: one.path)),
    )


def is_inside(path: str) -> bool:
    """Whether the path is that of the approvals folder, or of something in it."""
    return path.startswith(f"{APPROVALS_FOLDER}/") or path == APPROVALS_FOLDER


def is_passed_over(file: TreeFile) -> bool:
    return file.mode in REGULAR_MODES and PurePosixPath(file.path).name in NO_APPROVALS


def mode_problem(file: TreeFile) -> Problem | None:
    """What is wrong with something that is no regular file."""
    if file.mode in REGULAR_MODES:
        return None
    found = MODE_NAMES.get(file.mode, f"git's file mode {quoted(file.mode)}")
    return Problem(path=file.path, line=1, key="", found=found, expected="a regular file")


def text_problems(file: TreeFile) -> tuple[Problem, ...]:
    """What is wrong with an approval, as far as it can be told without rules: its kind, its path, its text."""
    if problem := mode_problem(file):
        return (problem,)
    place = _place(file)
    return (*place.problems, *_text(file).problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """What a path says; `parts` is known, too, where only the spelling is wrong."""

    parts: ApprovalPath | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Text:
    approval: Approval | None
    problems: tuple[Problem, ...]


def _place(file: TreeFile) -> _Place:
    try:
        return _Place(parts=parse_approval_path(file.path), problems=())
    except UnsafePath as error:
        problem = Problem(path=file.path, line=1, key="", found=error.found, expected=error.expected)
        return _Place(parts=error.meant, problems=(problem,))


def _text(file: TreeFile, parsed: Mapping[BlobId, Approval] = NOTHING_PARSED) -> _Text:
    if file.blob in parsed:
        return _Text(approval=parsed[file.blob], problems=())
    try:
        return _Text(approval=load_approval(file.path, file.data), problems=())
    except DeclarationInvalid as error:
        return _Text(approval=None, problems=error.problems)


def _declared(
    file: TreeFile, rules: Rules, ecosystems: Mapping[str, Ecosystem], parsed: Mapping[BlobId, Approval]
) -> DeclaredApproval | MalformedApproval:
    """One file by itself: the text, the place, and whether they fit the rules."""
    place = _place(file)
    problems = list(place.problems)
    identity = None
    feed = None
    if place.parts is not None:
        feed = rules.settings.feeds.get(place.parts.feed)
        identity, wrong = _identity(file, place.parts, feed, rules, ecosystems)
        problems += wrong
    if problem := mode_problem(file):
        return MalformedApproval(path=file.path, identity=identity, problems=(problem, *problems))
    text = _text(file, parsed)
    problems += text.problems
    approval = text.approval
    if approval is not None and feed is not None and feed.usage == "approved":
        source, wrong = _source(file, approval, feed)
        problems += wrong
        approval = approval if approval.source == source else replace(approval, source=source)
    if problems or approval is None or identity is None or place.parts is None:
        return MalformedApproval(path=file.path, identity=identity, problems=tuple(problems))
    parts = place.parts
    return DeclaredApproval(
        identity=identity, path=file.path, blob=file.blob, package=parts.package, version=parts.version, approval=approval
    )


def _identity(
    file: TreeFile, parts: ApprovalPath, feed: Feed | None, rules: Rules, ecosystems: Mapping[str, Ecosystem]
) -> tuple[Identity | None, list[Problem]]:
    """The normalised identity, None where feed or package cannot be known.

    A version that is none keeps its text as its key (no version has that key): its package is frozen all the same.
    """
    approved = [name for name, other in rules.settings.feeds.items() if other.usage == "approved"] if feed is None else []
    if feed is None:
        return None, [_problem(file, f"the unknown feed {quoted(parts.feed)} in the path", one_of(approved))]
    if feed.usage != "approved":
        return None, [_problem(file, f"{quoted(parts.feed)} in the path, a {feed.usage} feed", "a feed with usage approved")]
    ecosystem = ecosystems[feed.type]
    problems = []
    try:
        package = ecosystem.normalize_name(parts.package)
    except ValueError as error:
        return None, [_problem(file, f"the package name {quoted(parts.package)} in the path", _reason(feed, error))]
    try:
        version = ecosystem.parse_version(parts.version).key
    except ValueError as error:
        version = VersionKey(parts.version)
        problems.append(_problem(file, f"the version {quoted(parts.version)} in the path", _reason(feed, error)))
    return Identity(feed=feed.name, package=package, version=version), problems


def _reason(feed: Feed, error: ValueError) -> str:
    return f"one that {feed.type} allows ({inert(str(error))})"


def _source(file: TreeFile, approval: Approval, feed: Feed) -> tuple[FeedName | None, list[Problem]]:
    """The feed that it is promoted from, filled in where there is only one."""
    possible = one_of(feed.promotes_from)
    if approval.source is None:
        if len(feed.promotes_from) == 1:
            return feed.promotes_from[0], []
        return None, [_problem(file, "nothing (missing key)", possible, key="from")]
    if approval.source not in feed.promotes_from:
        return None, [_problem(file, quoted(approval.source), possible, key="from")]
    return approval.source, []


def _problem(file: TreeFile, found: str, expected: str, *, key: str = "") -> Problem:
    line = 1
    if key:
        parsed = read(file.path, file.data).parsed
        line = parsed.lines.get((key,), 1) if parsed is not None else 1
    return Problem(path=file.path, line=line, key=key, found=found, expected=expected)


def _alone(one: DeclaredApproval | MalformedApproval, places: Mapping[Identity, Sequence[str]]) -> DeclaredApproval | MalformedApproval:
    """The same, or malformed where another file has its identity."""
    others = [path for path in places[one.identity] if path != one.path] if one.identity is not None else []
    if not others:
        return one
    found = f"a second file of one version (the other: {', '.join(map(quoted, sorted(others)))})"
    problem = Problem(path=one.path, line=1, key="", found=found, expected="one file for each version")
    known = one.problems if isinstance(one, MalformedApproval) else ()
    return MalformedApproval(path=one.path, identity=one.identity, problems=(*known, problem))
