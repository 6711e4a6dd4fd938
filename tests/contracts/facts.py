"""Facts as hostile packages, registries and databases would make them, for hypothesis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from reconciler.decide.rules.interface import Facts, JudgedFile, Marks
from reconciler.model.advisories import SEVERITIES, Affecting, Matched, Snapshot
from reconciler.model.events import ASSURANCES, Person, Voice
from reconciler.model.packages import License, Traits
from reconciler.model.words import FeedName, Sha256

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", " ", "\x1b[2J\u202e\n\x00", "MIT OR", "(" * 200, "a" * 5000, "GHSA-5crp-9r3c-p9vr", "MAL-2024-4003", "S\u0435ril\u043eg"]
    ),
)
TIMES = st.datetimes(timezones=st.just(UTC))
"""From the year 1 to 9999: a registry may say anything."""
CLOCKS = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2126, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 timezones has it

TRAITS = st.builds(
    Traits,
    license=st.builds(License, declared=TEXTS, concluded=TEXTS),
    install_scripts=st.lists(TEXTS, max_size=3).map(tuple),
    provenance=st.lists(st.one_of(TEXTS, st.sampled_from(["signature", "attestation"])), max_size=3).map(tuple),
    frameworks=st.lists(TEXTS, max_size=3).map(tuple),
)
FILES = st.builds(JudgedFile, name=TEXTS, size=st.integers(min_value=0, max_value=2**53), traits=st.none() | TRAITS)
IDS = st.lists(TEXTS.filter(bool), min_size=1, max_size=3).map(tuple)
AFFECTING = st.builds(
    Affecting,
    ids=IDS,
    severity=st.none() | st.sampled_from(SEVERITIES),
    summary=TEXTS,
    fixed=st.lists(TEXTS, max_size=3).map(tuple),
    malware=st.booleans(),
    last_known=TEXTS,
    unread=TEXTS,
)
MATCHED = st.builds(
    Matched,
    snapshot=st.builds(Snapshot, digest=st.just(Sha256("ab" * 32)), fetched_at=TIMES, source=TEXTS),
    affecting=st.lists(AFFECTING, max_size=3).map(tuple),
    fixes=st.lists(TEXTS.filter(bool), max_size=3).map(tuple),
)
VOICES = st.builds(
    Voice,
    person=st.builds(Person, name=TEXTS, email=TEXTS),
    user=st.none() | st.sampled_from(["ada", "grace", "everyone"]),
    assurance=st.sampled_from(ASSURANCES),
    entitled=st.booleans(),
    contributed=st.booleans(),
)


def _young(facts: Facts, age: timedelta | None) -> Facts:
    """The same, uploaded so long before it is judged."""
    return facts if age is None or facts.now is None else replace(facts, uploaded_at=facts.now - age)


ANY = st.builds(
    Facts,
    voices=st.none() | st.lists(VOICES, max_size=3).map(tuple),
    now=CLOCKS,
    source=st.none() | st.just(FeedName("public-nuget")),
    files=st.none() | st.lists(FILES, max_size=3).map(tuple),
    uploaded_at=st.none() | TIMES,
    marks=st.none() | st.builds(Marks, yanked=st.none() | TEXTS, deprecated=st.none() | TEXTS),
    matched=st.none() | MATCHED,
)
FACTS = st.builds(_young, ANY, st.none() | st.timedeltas(timedelta(hours=-1), timedelta(days=30)))
