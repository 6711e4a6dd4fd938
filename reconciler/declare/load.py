"""Files of a commit to the declaration: the rules as one unit, the approvals one by one, or everything that is wrong with both.

Rules are all or nothing: half a permission table would be another table. Approvals stand each for itself (`approvals.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.declare.approvals import is_inside, is_passed_over, load_approval, load_approvals, mode_problem, text_problems
from reconciler.declare.feeds import read_settings
from reconciler.declare.kinds import Kinds
from reconciler.declare.permissions import read_permissions
from reconciler.declare.policies import read_forge, read_policy
from reconciler.declare.strict_yaml import read
from reconciler.declare.waivers import Known, read_waiver
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import (
    FEEDS_FILE,
    FORGE_FILE,
    PERMISSIONS_FILE,
    POLICIES_FOLDER,
    WAIVERS_FOLDER,
    Forge,
    Policy,
    Rules,
    TreeFile,
)
from reconciler.model.verdicts import Unmet
from reconciler.model.waivers import Waiver
from reconciler.model.words import Problem

__all__ = ["at_their_keys", "is_rule_file", "load_approval", "load_approvals", "load_rules", "problems_of", "rule_files"]


def is_rule_file(path: str) -> bool:
    """Whether the path belongs to the rules: feeds.yaml, and the YAML files of the policies folder."""
    return path == FEEDS_FILE or (path.startswith(f"{POLICIES_FOLDER}/") and path.endswith((".yaml", ".yml")))


def rule_files(files: Iterable[TreeFile]) -> dict[str, bytes]:
    """What `load_rules` takes, out of the files of a commit; DeclarationInvalid for links and submodules among them."""
    inside = [file for file in files if _beside_rules(file.path)]
    if problems := _mode_problems(inside):
        raise DeclarationInvalid(problems)
    return {file.path: file.data for file in inside if is_rule_file(file.path)}


def load_rules(files: Mapping[str, bytes], kinds: Kinds) -> Rules:
    """feeds.yaml and everything under policies/; DeclarationInvalid with the problems of all of them.

    Files of other places, and those under policies/ that are no YAML, are passed over.
    """
    rules, problems = _rules(files, kinds)
    if rules is None:
        raise DeclarationInvalid(problems)
    return rules


def problems_of(files: Iterable[TreeFile], kinds: Kinds) -> tuple[Problem, ...]:
    """Everything that is wrong with the declaration of a commit, sorted by file and line.

    Where the rules are wrong, approvals are judged as far as they can be without them: path and text.
    """
    all_files = list(files)
    rule_tree = [file for file in all_files if _beside_rules(file.path)]
    problems = list(_mode_problems(rule_tree))
    rules, wrong = _rules({file.path: file.data for file in rule_tree if mode_problem(file) is None}, kinds)
    refused = {problem.path for problem in problems}
    problems += [problem for problem in wrong if problem.path not in refused]
    if rules is not None:
        problems += [p for malformed in load_approvals(all_files, rules, ecosystems=kinds.ecosystems).malformed for p in malformed.problems]
    else:
        approvals = [file for file in all_files if is_inside(file.path) and not is_passed_over(file)]
        problems += [problem for file in approvals for problem in text_problems(file)]
    return tuple(sorted(problems, key=lambda problem: (problem.path, problem.line)))


def at_their_keys(problems: Iterable[Problem], files: Iterable[TreeFile]) -> tuple[Problem, ...]:
    """The same problems, each at the line of the top-level key that it names, sorted by file and line."""
    found = list(problems)
    paths = {problem.path for problem in found}
    parsed = {file.path: read(file.path, file.data).parsed for file in files if file.path in paths}
    placed = (replace(one, line=at.lines.get((one.key,), one.line)) if (at := parsed.get(one.path)) else one for one in found)
    return tuple(sorted(placed, key=lambda problem: (problem.path, problem.line)))


def _beside_rules(path: str) -> bool:
    """Whether no link may stand there: a linked folder or file would be a rule that nobody reviewed."""
    return path in {FEEDS_FILE, POLICIES_FOLDER} or path.startswith(f"{POLICIES_FOLDER}/")


def _mode_problems(files: Iterable[TreeFile]) -> tuple[Problem, ...]:
    return tuple(problem for file in files if (problem := mode_problem(file)))


def _rules(files: Mapping[str, bytes], kinds: Kinds) -> tuple[Rules | None, tuple[Problem, ...]]:
    problems: list[Problem] = []
    settings, permissions, names = None, None, None
    if (data := files.get(FEEDS_FILE)) is None:
        problems.append(_missing(FEEDS_FILE))
    else:
        read = read_settings(data, {name: ecosystem.targeting for name, ecosystem in kinds.ecosystems.items()})
        settings, names = read.settings, read.names
        problems += read.problems
    if (data := files.get(PERMISSIONS_FILE)) is None:
        problems.append(_missing(PERMISSIONS_FILE))
    else:
        granted = read_permissions(data, names)
        permissions = granted.permissions
        problems += granted.problems
    policies, forge, wrong = _policies(files, kinds)
    problems += wrong
    known = Known(settings=settings, users=permissions.users.keys() if permissions else None, kinds=kinds)
    waivers, wrong = _waivers(files, known)
    problems += wrong
    if problems or settings is None or permissions is None:
        return None, tuple(problems)
    rules = Rules(settings=settings, permissions=permissions, policies=policies, forge=forge, waivers=waivers)
    problems += [_unmet(policy, reason) for policy in policies if (reason := kinds.unmet(policy, rules))]
    return (None if problems else rules), tuple(problems)


def _unmet(policy: Policy, reason: Unmet) -> Problem:
    return Problem(path=policy.path, line=policy.where.line, key="params", found=reason.found, expected=reason.expected)


def _policies(files: Mapping[str, bytes], kinds: Kinds) -> tuple[tuple[Policy, ...], Forge | None, list[Problem]]:
    """Every other file under policies/, waivers apart: one rule each, and the forge."""
    policies: list[Policy] = []
    problems: list[Problem] = []
    forge = None
    for path in sorted(
        path for path in files if is_rule_file(path) and not _is_waiver(path) and path not in {FEEDS_FILE, PERMISSIONS_FILE}
    ):
        if path == FORGE_FILE:
            read_file = read_forge(files[path])
            forge, wrong = read_file.value, read_file.problems
        else:
            policy = read_policy(path, files[path], kinds.rules)
            policies += [policy.value] if policy.value else []
            wrong = policy.problems
        problems += wrong
    return tuple(policies), forge, problems


def _waivers(files: Mapping[str, bytes], known: Known) -> tuple[tuple[Waiver, ...], list[Problem]]:
    found = [read_waiver(path, files[path], known) for path in sorted(files) if is_rule_file(path) and _is_waiver(path)]
    waivers = tuple(one.value for one in found if one.value is not None)
    return waivers, [problem for one in found for problem in one.problems]


def _is_waiver(path: str) -> bool:
    return path.startswith(f"{WAIVERS_FOLDER}/")


def _missing(path: str) -> Problem:
    return Problem(path=path, line=1, key="", found="no such file", expected="this file")
