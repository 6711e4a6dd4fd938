"""Any life of a few packages: approved, extended, expired, taken back, approved again, deleted, damaged, killed half-way; after every
pass clients see what a naive model says, every byte is the approved one, and nothing is left over.

https://hypothesis.readthedocs.io/en/latest/stateful.html
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from reconciler.declare.write import new_approval
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Approval, ApprovedFile, Deprecation, Withdrawal
from reconciler.model.words import FeedName, Sha256
from reconciler.observe.parts import parts_of
from tests.act.life import GARBAGE, SLOTS, START, Circumstances, Held, LifeWorld, Slot, check_feeds, day, expected, findings, recorded
from tests.crash.faults import FaultyStore, Killed
from tests.support.world import Run, objects

slots: Final = st.sampled_from(SLOTS)
reasons: Final = st.sampled_from(["Steals credentials.", "Slow: see SEC-9 <b>"])
MALFORMED: Final = "from: public-pypi\nfiles: nothing\n"


class Life(RuleBasedStateMachine):
    """One life. `said` is what the approvals say, `broken` those that cannot be read, `held` what the feeds hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.world = LifeWorld(Path(self.folder.name))
        self.now = START
        self.said: dict[Slot, Approval] = {}
        self.broken: set[Slot] = set()
        self.held: dict[Slot, Held | None] = dict.fromkeys(SLOTS)
        self.edited: set[str] = set()
        self.killed = False
        self.begun: set[Slot] = set()
        """What a killed pass may have begun to promote, and nothing has finished since."""

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize(chosen=st.sets(slots, min_size=3))
    def begin(self, chosen: set[Slot]) -> None:
        for slot in sorted(chosen, key=lambda slot: slot.path):
            self.approve(slot=slot, everything=True)
        self.world.commit()
        self.apply(refresh=False)

    # --- the declaration ---

    def say(self, slot: Slot, approval: Approval) -> None:
        self.said[slot] = approval
        self.broken.discard(slot)
        self.world.write(slot.path, new_approval(approval))

    @rule(slot=slots, everything=st.booleans())
    def approve(self, *, slot: Slot, everything: bool) -> None:
        """A new file, in the place of what is there."""
        files = tuple(self.approved(slot, name) for name in (slot.files if everything else slot.files[:1]))
        source = FeedName(slot.feed.replace("approved", "public"))
        self.say(slot, Approval(source=source, reason="Reviewed.", ticket="", expires=None, files=tuple(sorted(files)), endorsed=()))

    def approved(self, slot: Slot, name: str) -> ApprovedFile:
        data = self.world.bytes_of(slot, name)
        return ApprovedFile(name=name, size=len(data), sha256=Sha256(sha256(data).hexdigest()), content_hash=None)

    def change(self, slot: Slot, edit: Callable[[Approval], Approval]) -> None:
        if slot in self.said:
            self.say(slot, edit(self.said[slot]))

    @rule(slot=slots)
    def extend(self, slot: Slot) -> None:
        files = tuple(sorted(self.approved(slot, name) for name in slot.files))
        self.change(slot, lambda approval: replace(approval, files=files))

    @rule(slot=slots, days=st.sampled_from([None, -1, 1, 5]))
    def expire(self, slot: Slot, days: int | None) -> None:
        self.change(slot, lambda approval: replace(approval, expires=None if days is None else day(self.now, days)))

    @rule(days=st.integers(1, 4))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(slot=slots, quarantine=st.booleans(), reason=reasons)
    def withdraw(self, *, slot: Slot, quarantine: bool, reason: str) -> None:
        taken = Withdrawal(action="quarantine" if quarantine else "unlist", reason=reason, since=None)
        self.change(slot, lambda approval: replace(approval, withdrawn=taken))

    @rule(slot=slots)
    def relist(self, slot: Slot) -> None:
        self.change(slot, lambda approval: replace(approval, withdrawn=None))

    @rule(slot=slots, reason=st.none() | reasons)
    def deprecate(self, slot: Slot, reason: str | None) -> None:
        self.change(slot, lambda approval: replace(approval, deprecated=Deprecation(reason=reason, use="") if reason else None))

    @rule(slot=slots)
    def delete(self, slot: Slot) -> None:
        if self.said.pop(slot, None) is not None:
            self.broken.discard(slot)
            self.world.write(slot.path, None)

    @rule(slot=slots)
    def garble(self, slot: Slot) -> None:
        if slot in self.said:
            self.broken.add(slot)
            self.world.write(slot.path, MALFORMED)

    # --- upstream and storage ---

    @rule(slot=slots, reason=st.none() | st.just("") | reasons)
    def yank(self, slot: Slot, reason: str | None) -> None:
        shelf = self.world.shelves[slot.type]
        for name in slot.files[-1:]:
            shelf.items[name] = replace(shelf.items[name], yanked=reason)

    @rule(slot=slots, reason=st.none() | reasons)
    def deprecate_upstream(self, slot: Slot, reason: str | None) -> None:
        deprecated = self.world.shelves[slot.type].deprecated
        deprecated.pop(slot.version, None)
        if reason is not None:
            deprecated[slot.version] = reason

    @precondition(lambda self: not self.killed)
    @rule(kind=st.sampled_from(["pypi", "nuget", "npm"]), down=st.booleans())
    def reach(self, *, kind: str, down: bool) -> None:
        self.world.shelves[kind].down = down

    @rule(number=st.integers(0, 30))
    def edit_page(self, number: int) -> None:
        states = [self.world.state(feed) for feed in dict.fromkeys(slot.feed for slot in SLOTS)]
        pages = sorted(f"feeds/{state.feed}/{path}" for state in states for entry in state.entries.values() for path in entry.pages)
        if pages:
            self.edited.add(pages[number % len(pages)])
            self.world.store.put(pages[number % len(pages)], GARBAGE, content_type="text/plain")

    @precondition(lambda self: not self.killed)
    @rule(slot=slots, number=st.integers(0, 5))
    def remove_by_hand(self, slot: Slot, number: int) -> None:
        """A file of what is approved, whole and listed, or what lies beside one; a refresh brings it back, and nothing else."""
        held, said = self.held[slot], self.said.get(slot)
        if held is None or said is None or self.world.shelves[slot.type].down or {file.name for file in said.files} != held.files.keys():
            return
        self.apply(refresh=False)
        held = self.held[slot]
        if held is None or held.state != "listed" or self.frozen(slot):
            return
        state = self.world.state(slot.feed)
        parts = [part for part in parts_of(state, ECOSYSTEMS[slot.type]) if part.identity == slot.identity]
        self.world.store.delete(parts[number % len(parts)].key)
        drift = self.world.plan(Run(now=self.now, listed=True)).plan.drift
        assert [row.package for row in drift if row.kind == "missing"] == [slot.package]
        self.world.apply(Run(now=self.now, listed=True))
        self.held = recorded(self.world)
        assert self.held[slot] == held
        self.apply(refresh=True)

    # --- passes ---

    def frozen(self, slot: Slot) -> bool:
        return any((one.feed, one.package) == (slot.feed, slot.package) for one in self.broken)

    def after(self, slot: Slot, held: Held | None, *, refresh: bool) -> Held | None:
        met = Circumstances(now=self.now, refresh=refresh, frozen=self.frozen(slot), shelf=self.world.shelves[slot.type])
        return expected(slot, self.said.get(slot), held, met)

    def all_after(self, held: dict[Slot, Held | None], *, refresh: bool) -> dict[Slot, Held | None]:
        return {slot: self.after(slot, one, refresh=refresh) for slot, one in held.items()}

    @rule(at=st.integers(1, 60), refresh=st.booleans())
    def kill(self, *, at: int, refresh: bool) -> None:
        for shelf in self.world.shelves.values():
            shelf.down = False
        self.world.commit()
        try:
            self.world.apply(Run(now=self.now, listed=refresh, store=FaultyStore(self.world.store, at=at)))
        except Killed:
            self.killed = True
        found, after = recorded(self.world), self.all_after(self.held, refresh=refresh)
        again = self.all_after(after, refresh=refresh)
        for slot, one in found.items():
            assert one in (self.held[slot], after[slot], again[slot])
            if one is None and after[slot] is not None:
                self.begun.add(slot)
        self.held = found

    @rule(slot=slots, quarantine=st.booleans(), reason=reasons)
    def take_back_now(self, *, slot: Slot, quarantine: bool, reason: str) -> None:
        self.withdraw(slot=slot, quarantine=quarantine, reason=reason)
        self.apply(refresh=False)

    @rule(slot=slots)
    def bring_back_now(self, slot: Slot) -> None:
        self.relist(slot)
        self.apply(refresh=False)

    @rule(refresh=st.booleans())
    def apply(self, *, refresh: bool) -> None:
        self.world.commit()
        run = Run(now=self.now, listed=refresh)
        first = self.all_after(self.held, refresh=refresh)
        applied = self.world.apply(run)
        assert not applied.failed
        if self.killed:
            self.world.apply(run)
            first = self.all_after(first, refresh=refresh)
        self.edited = {
            page for page in self.edited if not refresh and (stored := self.world.store.get(page)) is not None and stored.data == GARBAGE
        }
        assert recorded(self.world) == first
        self.killed, self.held = False, first
        self.begun = {slot for slot in self.begun if self.held[slot] is None}
        check_feeds(self.world, self.held, edited=frozenset(self.edited), begun=frozenset(self.begun))
        following = self.all_after(first, refresh=False)
        if following != first or refresh:  # an upstream that did not tell its marks makes the outcome of that pass another one
            self.world.apply(Run(now=self.now))
            assert recorded(self.world) == following
            self.held = following
        before = objects(self.world.store)
        self.world.apply(Run(now=self.now))
        assert objects(self.world.store) == before
        self.check_reports()

    def check_reports(self) -> None:
        found = {f"feeds/{one.feed}/{one.subject}" for one in findings(self.world)}
        assert found == self.edited
        drift = self.world.plan(Run(now=self.now, listed=True)).plan.drift
        orphans = {
            (slot.feed, slot.identity.package, slot.version)
            for slot, one in self.held.items()
            if one and slot not in self.said and not self.frozen(slot)
        }
        assert {(row.feed, row.package.lower(), row.version) for row in drift if row.kind == "orphan"} == orphans
        assert len([row for row in drift if row.kind != "orphan"]) == len(self.edited)


def test_any_life() -> None:
    examples = int(os.environ.get("LIFE_EXAMPLES", "12"))
    derandomize = "LIFE_EXAMPLES" not in os.environ
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=int(os.environ.get("LIFE_STEPS", "30")),
            derandomize=derandomize,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
            report_multiple_bugs=False,
            print_blob=False,
        ),
    )
