"""A small plan with something of everything; each text from outside may be replaced, to see what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from reconciler.model.advisories import Snapshot
from reconciler.model.events import Named
from reconciler.model.findings import Cure, Finding, WaiverUse
from reconciler.model.packages import License, Release, RemoteFile, Traits
from reconciler.model.permissions import Line
from reconciler.model.plan import AccessChange, Applied, Change, Dependent, Drift, Eviction, Failure, Hold, Plan, Stranger
from reconciler.model.proofs import Grounds
from reconciler.model.reanchored import Reanchored
from reconciler.model.verdicts import ALLOW, Judgement, Verdict
from reconciler.model.waivers import Waiver
from reconciler.model.words import CommitId, FeedName, PackageKey, Sha256, Version, VersionKey
from tests.support.declared import APPROVED, approval, commit, declared, file, identity, person, rules

CLOCK = datetime(2026, 11, 22, tzinfo=UTC)
LANDED = commit(0, person("ada"))
ADVISORY = "GHSA-5crp-9r3c-p9vr"


def plan_of(**said: str) -> Plan:
    """The plan; `said` replaces texts from outside: reason, package, license, name, id."""
    ada = Named(name=said.get("name", "Ada Lovelace"), email="ada@example.org", assurance="claimed")
    return Plan(
        commit=CommitId("c" * 40),
        rules=rules("allow: administer, user: everyone"),
        clock=CLOCK,
        valid_until=datetime(2027, 1, 1, tzinfo=UTC),
        digest="d" * 64,
        outcome="held",
        changes=_changes(ada, said),
        access=(
            AccessChange(change="grant", user=said.get("name", "ada"), task="administer", feeds=(), line="policies/permissions.yaml:3"),
        ),
        holds=_holds(said),
        drift=(
            Drift(kind="orphan", feed="approved", package=said.get("package", "old"), version="1", detail=said.get("reason", "nobody")),
        ),
        evictions=(Eviction(feed=APPROVED, file=_stranger(said), where=Line(path="feeds.yaml", line=9)),),
        reanchored=(_reanchored(ada, said),),
        alerts=(_finding(ada, said),),
        warnings=(replace(_finding(ada, said), rule="license", level="warn", package=said.get("package", "jQuery"), cure=None),),
        waivers=(WaiverUse(waiver=_waiver(said), used=1, days_left=20, holds=True),),
        snapshot=Snapshot(digest=Sha256("e" * 64), fetched_at=CLOCK - timedelta(days=3), source=said.get("reason", "osv.dev")),
    )


def applied_of(**said: str) -> Applied:
    """The same carried out: the first change came about, the second did not."""
    plan = plan_of(**said)
    first, second = plan.changes
    error = said.get("reason", "connection reset")
    return Applied(plan=plan, applied=(first,), failed=(Failure(change=second, error=error, integrity=False),), outcome="partial")


def change(ada: Named, said: dict[str, str], kind: str = "promote", **more: Any) -> Change:
    reason = said.get("reason", "asked for by billing")
    text = replace(approval(file(said.get("package", "pkg") + ".whl", "content")), reason=reason, ticket=said.get("reason", "SEC-123"))
    place = replace(declared(identity(), text), package=said.get("package", "pkg"))
    grace = Named(name=said.get("name", "Grace Hopper"), email="grace@example.org", assurance="reviewed")
    fields: dict[str, Any] = {
        "kind": kind, "declared": place, "source": FeedName("public"), "files": text.files, "author": ada, "approvers": (grace,),
        "landing": LANDED, "author_commit": LANDED, "release": None, "upstream": "", "reason": reason,
    }  # fmt: skip
    return Change(**(fields | more))


def _changes(ada: Named, said: dict[str, str]) -> tuple[Change, ...]:
    reason, package = said.get("reason", "declares no SPDX license"), said.get("package", "pkg")
    remote = RemoteFile(
        name=f"{package}.whl", url="", uploaded_at=datetime(2026, 3, 8, tzinfo=UTC), yanked=said.get("reason", "broken build")
    )
    version = Version(VersionKey("1"), "1", prerelease=False, order=1)
    flaw = Verdict(level="hold", reason=reason, ids=(said.get("id", ADVISORY), said.get("id", "CVE-2024-21907")))
    judgements = (
        Judgement(rule="license", policy=Line(path="policies/l.yaml", line=1), verdict=Verdict(level="warn", reason=reason, remedy=reason)),
        Judgement(rule="vulnerability", policy=Line(path="policies/v.yaml", line=1), verdict=flaw, waiver=_waiver(said).where),
        Judgement(rule="age", policy=Line(path="policies/a.yaml", line=1), verdict=ALLOW),
    )
    promoted = change(
        ada,
        said,
        release=Release(version=version, files=(remote,), deprecated=said.get("reason", "use pkg2")),
        judgements=judgements,
        grounds=Grounds(line=Line(path="policies/permissions.yaml", line=10)),
        traits={
            remote.name: Traits(license=License(declared=said.get("license", "MIT")), install_scripts=(said.get("reason", "setup.py"),))
        },
        relies_on=((replace(identity(), package=PackageKey(said.get("package", "base"))),),),
    )
    lost = Dependent(package=package, version="2", needs=package, range=said.get("reason", ">=1"))
    return (change(ada, said, "unlist", dependents=(lost,)), promoted)[::-1]


def _holds(said: dict[str, str]) -> tuple[Hold, ...]:
    package, reason = said.get("package", "Newtonsoft.Json"), said.get("reason", "improper handling")
    common: dict[str, Any] = {"feed": "approved", "package": package, "version": "12.0.3", "path": "policies/v.yaml", "line": 1}
    return (
        Hold(**common, kind="rule", rule="vulnerability", reason=reason, remedy="approve `13.0.1` or later", cure=_cure(said)),
        Hold(**common, kind="time", rule="age", reason=reason, remedy="wait"),
        Hold(**common, kind="upstream", rule="", reason=reason, remedy="wait", waiting=True),
        Hold(feed="", package="", version="", kind="authority", rule="", reason=reason, remedy="ask ada", path="feeds.yaml", line=3),
    )


def _cure(said: dict[str, str]) -> Cure:
    package = said.get("package", "Newtonsoft.Json")
    return Cure(rule="vulnerability", id=said.get("id", ADVISORY), feed="approved", package=package, version="12.0.3", owner="ada")


def _finding(ada: Named, said: dict[str, str]) -> Finding:
    return Finding(
        feed="approved", package=said.get("package", "RestSharp"), version="106.11.4", rule="vulnerability", level="hold",
        reason=said.get("reason", "incorrect regular expression"), remedy=said.get("reason", "approve 107"), action="unlist",
        path="policies/v.yaml", line=1, author=ada, approvers=(), commit="f" * 40, cure=_cure(said),
    )  # fmt: skip


def _waiver(said: dict[str, str]) -> Waiver:
    return Waiver(
        rule="vulnerability", id=said.get("id", ADVISORY), feeds=("approved",), package=said.get("package", "pkg"), versions=("1.0",),
        range="", owner=said.get("name", "ada"), reason=said.get("reason", "not reached"), expires=date(2026, 12, 12),
        where=Line(path="policies/waivers/pkg.yaml", line=1),
    )  # fmt: skip


def _stranger(said: dict[str, str]) -> Stranger:
    path = f"approved/{said.get('package', 'left.whl')}"
    return Stranger(path=path, package=PackageKey(""), version="", file=said.get("package", "left.whl"), sha256="0" * 64)


def _reanchored(ada: Named, said: dict[str, str]) -> Reanchored:
    first, last = CommitId("a" * 40), CommitId("b" * 40)
    reason = said.get("reason", "a secret was removed")
    return Reanchored(feed=APPROVED, from_commit=first, commit=last, at=CLOCK, by=ada, reason=reason, shared=True)
