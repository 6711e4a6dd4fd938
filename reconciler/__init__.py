"""GitOps for approving open-source packages.

Feeds, approvals, permissions and policies are YAML files in git. A pass reads them at a commit, compares them with feed storage,
and copies what is newly approved from a proxy feed to an approved feed. Read `reconcile.py` first: it is that pass.

    declaration.py   the repository at a commit, judged: rules in force, approvals, who stands behind each
    continuity.py    history is append-only, or was broken on purpose
    judged.py        what the policies say of every approved version: facts gathered, then judged
    closing.py       what approved versions need and their feed lacks, as verdicts
    declare/     text at a commit, and what landed when and by whom
    observe/     what is: upstream feeds, archives, feed storage, advisories, pull requests at a forge
    decide/      pure: history x proofs -> authority; declaration x observation -> plan; rules/, one policy each
    act/         carries a plan out; the only writers of feed storage
    propose/     what is written for a pull request: approve, with what it needs, and withdraw; locks/, lock files of projects; requests/ opens
                 it at a forge; scaffold/, a new repository
    show/        a plan, an outcome, a history as text, JSON, markdown, workflow commands, CSV, in-toto statements, CycloneDX
    cli/         commands; the only place that prints, reads clock and environment, sets exit codes
    ecosystems/  npm, NuGet, PyPI: one module each
    stores/      where feeds are kept, with their ledgers, frozen evidence and advisories
    wire/        the one HTTP door
"""

__version__ = "0.1.0"
