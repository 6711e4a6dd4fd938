"""Stories of one approval file, judged: ada and grace may promote from public, mallory may nothing, alan must not.

For the feed with two sources ada may promote from public only, grace from other only (`in_payments`).
"""

from reconciler.decide.authority import authorise
from reconciler.decide.rules_in_force import RulesInForce, Step
from reconciler.model.events import Person
from reconciler.model.proofs import NOTHING
from reconciler.model.words import CommitId
from tests.support.declared import OTHER, PAYMENTS, approval, identity, rules

LINES = (
    "allow: promote-packages, group: seniors, from: public",
    "deny: promote-packages, user: alan",
    "allow: administer, user: grace",
)
RULES = rules(*LINES)
A, AB = approval("a"), approval("a", "b")
IN_PAYMENTS = identity(feed=PAYMENTS)


def in_force(*by_position):
    """Rules by the position from which on they hold."""
    steps = [Step(position=position, commit=CommitId(str(position)), rules=text, files={}) for position, text in by_position]
    return RulesInForce(steps=tuple(steps), refused=())


class Told:
    """A standing, with the people behind its files as persons, None where nobody entitled is."""

    def __init__(self, of):
        self.of = of
        backing = of.backing
        self.author = persons([backing.author])[0] if backing else None
        self.approvers = persons(backing.approvers) if backing else ()
        self.author_commit = backing.author_commit if backing else None
        self.landing = backing.landing if backing else None
        self.line = backing.grounds.line if backing else None

    def __getattr__(self, name):
        return getattr(self.of, name)

    def __eq__(self, other):
        return self.of == other

    def __hash__(self):
        return id(self)


def standing(*events, by=None, of=None, proofs=NOTHING):
    return Told(authorise(events, by or in_force((0, RULES)), proofs).standings[of or identity()])


def persons(named):
    return tuple(Person(name=p.name, email=p.email) for p in named)


def names(people):
    return [p.name for p in people]


def files(standing):
    return sorted(fact.removeprefix("file:") for fact in standing.facts if fact.startswith("file:"))


SOURCES = in_force((0, rules("allow: promote-packages, user: ada, from: public", "allow: promote-packages, user: grace, from: other")))
FROM_PUBLIC, FROM_OTHER = approval("a"), approval("a", source=OTHER)


def in_payments(*events):
    return standing(*events, by=SOURCES, of=IN_PAYMENTS)
