import pytest

from tests.decide.rules.facts import files, judged, told

MB = 10**6


@pytest.mark.parametrize(
    ("given", "params", "said"),
    [
        ([("a.whl", 50 * MB)], "{max_file: 50 MB}", ["allow"]),
        ([("a.whl", 50 * MB + 1)], "{max_file: 50 MB}", ["hold: larger than max_file, 50 MB: a.whl with 50.0 MB (50000001 bytes)"]),
        ([("a.whl", 2 * 2**30)], "{max_file: 2 GiB}", ["allow"]),
        (
            [("small.whl", 1), ("b.whl", 3 * 2**30), ("a.whl", 3 * 2**30), ("c.whl", 4 * 2**30)],
            "{max_file: 2 GiB}",
            ["hold: larger than max_file, 2 GiB: c.whl with 4 GiB, a.whl with 3 GiB, b.whl with 3 GiB"],
        ),
        (
            [(f"{i}.whl", 2 * MB) for i in range(7)],
            "{max_file: 1 MB}",
            [
                (
                    "hold: larger than max_file, 1 MB: 0.whl with 2 MB, 1.whl with 2 MB, 2.whl with 2 MB, 3.whl with 2 MB, 4.whl with 2 MB"
                    " and 2 more"
                )
            ],
        ),
        ([("a.whl", 60 * MB), ("b.whl", 40 * MB)], "{max_file: 60 MB, max_total: 100 MB}", ["allow"]),
        (
            [("a.whl", 60 * MB), ("b.whl", 41 * MB)],
            "{max_file: 60 MB, max_total: 100 MB}",
            ["hold: larger than max_total, 100 MB: 101 MB in 2 files, the largest a.whl with 60 MB"],
        ),
        (
            [("a.whl", 60 * MB), ("b.whl", 41 * MB)],
            "{max_file: 50 MB, max_total: 100 MB}",
            [
                "hold: larger than max_file, 50 MB: a.whl with 60 MB",
                "hold: larger than max_total, 100 MB: 101 MB in 2 files, the largest a.whl with 60 MB",
            ],
        ),
        ([], "{max_file: 50 MB}", ["unknown: nobody knows its files"]),
    ],
)
def test_how_large_files_may_be(given, params, said):
    assert told("size", files(*given), params) == said


@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
def test_what_follows_is_as_the_policy_says(on_violation):
    (verdict,) = judged("size", files(("a.whl", 2)), "{max_file: 1 B}", on_violation=on_violation)
    assert (verdict.level, verdict.unknown) == (on_violation, False)


@pytest.mark.parametrize(("given", "can"), [([("a.whl", 2)], False), ([("a.whl", 2), ("b.whl", 1)], True)])
def test_a_file_can_be_left_out_only_where_another_remains(given, can):
    (verdict,) = judged("size", files(*given), "{max_file: 1 B}")
    assert verdict.remedy.endswith("approve a smaller release")
    assert ("leave out" in verdict.remedy) is can
