"""Stories of one approval file, judged: ada and grace may promote from public, mallory may nothing, alan must not.

For the feed with two sources ada may promote from public only, grace from other only (`in_payments`).
"""

from reconciler.decide.authority import authorise
from reconciler.decide.rules_in_force import RulesInForce, Step
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


def standing(*events, by=None, of=None):
    return authorise(events, by or in_force((0, RULES))).standings[of or identity()]


def names(people):
    return [p.name for p in people]


def files(standing):
    return sorted(fact.removeprefix("file:") for fact in standing.facts if fact.startswith("file:"))


SOURCES = in_force((0, rules("allow: promote-packages, user: ada, from: public", "allow: promote-packages, user: grace, from: other")))
FROM_PUBLIC, FROM_OTHER = approval("a"), approval("a", source=OTHER)


def in_payments(*events):
    return standing(*events, by=SOURCES, of=IN_PAYMENTS)
