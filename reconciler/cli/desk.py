"""The working tree, where commands write the YAML that a pull request is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.declaration import KINDS
from reconciler.declare.load import load_approvals, load_rules, rule_files
from reconciler.declare.revision import Repository, working_tree
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import Refused
from reconciler.model.declared import Approvals, Rules


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The working tree that approvals are written into."""

    root: Path
    rules: Rules
    approvals: Approvals


def open_desk(folder: Path) -> Desk:
    """Reads what the working tree declares, committed or not."""
    root = Repository(folder).root
    files = working_tree(root)
    rules = load_rules(rule_files(files), KINDS)
    return Desk(root=root, rules=rules, approvals=load_approvals(files, rules, ecosystems=ECOSYSTEMS))


def write_files(root: Path, texts: Mapping[str, str]) -> None:
    """Writes files of the working tree by their paths, all of them or none."""
    before: dict[Path, bytes | None] = {}
    try:
        for path, text in texts.items():
            target = root / path
            was = target.read_bytes() if target.is_file() and not target.is_symlink() else None
            write_file(root, path, text)
            before[target] = was
    except BaseException:
        for target, was in before.items():
            if was is None:
                target.unlink(missing_ok=True)
            else:
                target.write_bytes(was)
        raise


def write_file(root: Path, path: str, text: str) -> None:
    """Writes a file of the working tree. A link in its path came with some branch, and would lead the text anywhere: Refused."""
    target = root / path
    if target.parent.resolve() != root.resolve() / Path(path).parent or target.is_symlink():
        message = f"a symbolic link stands in the path {path}"
        raise Refused(message, remedy="remove the link: folders and files under approvals/ are never links")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")
