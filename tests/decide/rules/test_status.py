import pytest

from reconciler.decide.rules.interface import Facts, Marks
from tests.decide.rules.facts import NOW, judged, told

REQUESTS_2_32_0 = "Yanked due to conflicts with CVE-2024-35195 mitigation"
YANKED = f'yanked or unlisted by its registry: "{REQUESTS_2_32_0}"'


def marked(yanked=None, deprecated=None):
    return Facts(now=NOW, marks=Marks(yanked=yanked, deprecated=deprecated))


@pytest.mark.parametrize(
    ("yanked", "deprecated", "params", "on_violation", "said"),
    [
        (None, None, "{}", "deny", ["allow"]),
        (REQUESTS_2_32_0, None, "{}", "hold", [f"hold: {YANKED}"]),
        (REQUESTS_2_32_0, None, "{}", "warn", [f"warn: {YANKED}"]),
        (REQUESTS_2_32_0, None, "{}", "deny", [f"deny: {YANKED}"]),
        (REQUESTS_2_32_0, None, "{yanked: deny}", "warn", [f"deny: {YANKED}"]),
        (REQUESTS_2_32_0, None, "{yanked: warn}", "deny", [f"warn: {YANKED}"]),
        ("", None, "{}", "hold", ["hold: yanked or unlisted by its registry, which gives no reason"]),
        (None, "Use leaf 2", "{}", "deny", ['warn: deprecated by its registry: "Use leaf 2"']),
        (None, "Use leaf 2", "{deprecated: allow}", "deny", ["allow"]),
        (None, "Use leaf 2", "{deprecated: deny}", "warn", ['deny: deprecated by its registry: "Use leaf 2"']),
        (None, "", "{deprecated: hold}", "warn", ["hold: deprecated by its registry, which gives no reason"]),
        (
            "Broken",
            "Old",
            "{}",
            "hold",
            ['hold: yanked or unlisted by its registry: "Broken"', 'warn: deprecated by its registry: "Old"'],
        ),
    ],
)
def test_what_a_registry_advises_against(yanked, deprecated, params, on_violation, said):
    assert told("status", marked(yanked, deprecated), params, on_violation=on_violation) == said


def test_a_registry_that_was_not_heard_holds_and_takes_nothing_back():
    (verdict,) = judged("status", Facts(now=NOW), "{deprecated: allow}", on_violation="warn")
    assert (verdict.level, verdict.unknown) == ("hold", True)


def test_a_hostile_reason_is_shown_on_one_line_and_cut():
    (verdict,) = judged("status", marked("\x1b[2J\nallow: fine\u202e" + "x" * 100_000))
    assert "\x1b" not in verdict.reason
    assert "\u202e" not in verdict.reason
    assert "\n" not in verdict.reason
    assert verdict.reason.startswith('yanked or unlisted by its registry: "\\x1b[2J allow: fine\\u202exxx')
    assert len(verdict.reason) < 300
