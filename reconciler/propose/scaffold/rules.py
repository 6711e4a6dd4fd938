"""feeds.yaml and policies/ of a new repository. Every text of somebody else's goes through `quoting.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.declare.quoting import in_block, in_flow
from reconciler.model.declared import ForgeKind
from reconciler.model.forges import SITES
from reconciler.observe.well_known import WELL_KNOWN
from reconciler.propose.remote import Remote
from reconciler.propose.scaffold.choices import Choices

TYPES: Final[Mapping[str, str]] = {index.type: name for name, index in WELL_KNOWN.items()}
"""Type of feed -> the well-known index that its public feed shows."""

DEFAULT_STORE: Final = "./.feeds"

TARGETS: Final[Mapping[str, str]] = {
    "nuget": "targets: {frameworks: [net8.0, net48]}",
    "pypi": 'targets: {python: ["3.12", "3.13"], platforms: [linux_x86_64, win_amd64]}',
}

FIXED_POLICIES: Final[Mapping[str, str]] = {
    "licenses.yaml": """\
# Which licenses may come in. Of what is not known a person finds out, and says so in a waiver.
rule: license
feeds: ["approved-*"]
params:
  allow: [0BSD, Apache-2.0, BSD-2-Clause, BSD-3-Clause, ISC, MIT, MPL-2.0, PSF-2.0]
""",
    "vulnerabilities.yaml": """\
# How bad a known flaw may be. Needs advisories: `reconciler advisories update`, in CI before each pass.
rule: vulnerability
feeds: ["approved-*"]
on_existing: alert
params: {max_severity: medium, unknown_severity: high, max_snapshot_age: 7d}
""",
    "age.yaml": """\
# Most malicious releases are found within days: a release has to be this old. It passes by itself when the day has come.
rule: age
feeds: ["approved-*"]
params: {min_age: 7d}
""",
}

NAMES_EXAMPLE: Final = """\
# An example that does not count: fill in your own names, and rename it to names.yaml.
# Against dependency confusion (reserved, sources) and names that are taken for others (protected).
rule: namespace
feeds: ["approved-*"]
params:
  reserved: ["Acme.*", "@acme/*"]     # only `sources` may provide these
  # sources: [internal-nuget]         # proxy feeds of your own packages, declared in feeds.yaml
  protected: [Newtonsoft.Json]        # what looks like one of these is held
"""


def feeds_yaml(choices: Choices) -> str:
    """A public and an approved feed for each type."""
    head = (
        "# Feeds: what developers install from, and where it may come from. Check it with `reconciler check`.\n"
        f"store: {choices.store if choices.store == DEFAULT_STORE else in_block(choices.store)}    # a folder that feeds and their history are kept in: not part of git, so back it up\n"
        "public_url: http://127.0.0.1:8080    # where `feeds/` of the store is served\n\nfeeds:\n"
    )
    return head + "\n".join("".join(f"  {line}\n" for line in _feed_lines(type_)) for type_ in choices.types)


def _feed_lines(type_: str) -> Iterator[str]:
    yield f"public-{type_}:"
    yield f"  type: {type_}"
    yield "  usage: proxy"
    yield "  connectors:"
    yield f"    - upstream: {TYPES[type_]}"
    yield f"approved-{type_}:"
    yield f"  type: {type_}"
    yield "  usage: approved"
    yield f"  promotes_from: [public-{type_}]"
    yield "  dependencies: warn    # require: nothing is promoted whose dependencies nobody has approved"
    if type_ in TARGETS:
        yield f"  # {TARGETS[type_]}    # what dependencies are judged for; left out: any"


def permissions_yaml(choices: Choices) -> str:
    """The administrator, who is also the one senior developer; everybody else may look and download."""
    one = choices.administrator
    lines = [
        "# Who may do what. What no line allows is forbidden; a change of this file is judged by the lines before it.",
        "users:",
        f"  {in_flow(one.id)}:",
        f"    name: {in_block(one.name)}",
        f"    emails: [{in_flow(one.email)}]",
        *_known_by(choices),
        "  # grace: {name: Grace Hopper, emails: [grace@example.org]}",
        "",
        "groups:",
        f"  administrators: [{in_flow(one.id)}]",
        f"  senior-developers: [{in_flow(one.id)}]",
        "",
        "permissions:",
        "  - {allow: administer, group: administrators}",
        *(f"  - {{allow: promote-packages, group: senior-developers, from: public-{t}, to: approved-{t}}}" for t in choices.types),
        f"  - {{allow: view-and-download, user: everyone, feeds: [{', '.join(f'approved-{t}' for t in choices.types)}]}}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _known_by(choices: Choices) -> Iterator[str]:
    one, kind = choices.administrator, choices.forge_kind
    if one.account is not None and kind is not None:
        yield f"    {kind}: {one.account}"
    if one.signing_key is not None:
        yield "    signing_keys:"
        yield f"      - {in_block(one.signing_key)}"


def review_yaml(choices: Choices) -> str:
    """The policy that the one administrator can satisfy: a policy that nobody can would never come into force."""
    alone = "# With a second administrator, say `author_counts: false`: then nobody lets in alone what they wrote.\n"
    params = f"min_assurance: {choices.reviews}, approvers: 1, author_counts: true"
    if choices.reviews == "reviewed":
        alone = (
            "# Nobody can review at the forge what they wrote, so this holds for approvals alone while there is one administrator. Declare a\n"
            "# second one with an account, and take away `rule_files: false`: until then, whoever can push your name could lift this file.\n"
        )
        params = "min_assurance: reviewed, approvers: 1, author_counts: false, rule_files: false"
    return (
        "# How many entitled people stand behind an approval, and how well each must be known: claimed, signed or reviewed.\n"
        f'{alone}rule: review\nfeeds: ["approved-*"]\nparams: {{{params}}}\n'
    )


def forge_yaml(remote: Remote, kind: ForgeKind) -> str:
    """Where pull requests are reviewed."""
    api = remote.api(kind)
    url = "" if api == SITES[kind].api else f"url: {in_block(api)}\n"
    return (
        "# Where pull requests are reviewed: what was approved there counts as `reviewed`.\n"
        f"type: {kind}\n{url}project: {in_block(remote.project)}\n"
    )
