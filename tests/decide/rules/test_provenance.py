import pytest

from reconciler.decide.rules.interface import Facts
from tests.decide.rules.facts import NOW, files, judged, told, vouched

SIGNED, ATTESTED, BOTH, BARE = vouched("signature"), vouched("attestation"), vouched("attestation", "signature"), vouched()


@pytest.mark.parametrize(
    ("given", "require", "said"),
    [
        ([("a.whl", SIGNED), ("b.whl", ATTESTED)], "any", ["allow"]),
        ([("a.whl", BOTH)], "any", ["allow"]),
        ([("a.whl", BOTH)], "signature", ["allow"]),
        ([("a.whl", BOTH)], "attestation", ["allow"]),
        ([("a.whl", BARE)], "any", ["hold: neither signature nor attestation for a.whl"]),
        ([("a.whl", SIGNED), ("b.whl", ATTESTED)], "signature", ["hold: no signature for b.whl"]),
        ([("a.whl", SIGNED), ("b.whl", ATTESTED)], "attestation", ["hold: no attestation for a.whl"]),
        ([("a.whl", vouched("promise"))], "any", ["hold: neither signature nor attestation for a.whl"]),
        (
            [(f"{i}.whl", BARE) for i in range(6)],
            "any",
            ["hold: neither signature nor attestation for 0.whl, 1.whl, 2.whl, 3.whl, 4.whl and 1 more"],
        ),
        (
            [("a.whl", None), ("b.whl", BARE), ("c.whl", SIGNED)],
            "any",
            ["hold: neither signature nor attestation for b.whl", "unknown: nobody has looked for signatures and attestations of a.whl"],
        ),
        ([], "any", ["unknown: nobody knows its files"]),
    ],
)
def test_every_file_must_have_what_is_required(given, require, said):
    assert told("provenance", files(*given), f"{{require: {require}}}") == said


def test_any_of_the_two_is_enough_by_default():
    assert told("provenance", files(("a.whl", ATTESTED))) == ["allow"]


@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
def test_what_follows_is_as_the_policy_says(on_violation):
    (verdict,) = judged("provenance", files(("a.whl", BARE)), on_violation=on_violation)
    assert (verdict.level, verdict.unknown) == (on_violation, False)


def test_files_that_nobody_knows_hold_whatever_the_policy_says():
    (verdict,) = judged("provenance", Facts(now=NOW), on_violation="warn")
    assert (verdict.level, verdict.unknown) == ("hold", True)
