import pytest

from reconciler.decide.rules.interface import Facts
from tests.decide.rules.facts import NOW, files, judged, scripts, told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([("a.tgz", scripts())], ["allow"]),
        ([("a.tgz", scripts("postinstall: node x.js"))], ["hold: this runs when it is installed: a.tgz: postinstall: node x.js"]),
        (
            [("a.tgz", scripts("preinstall: x", "binding.gyp")), ("b.tgz", scripts("install: y"))],
            ["hold: this runs when it is installed: a.tgz: preinstall: x, a.tgz: binding.gyp, b.tgz: install: y"],
        ),
        (
            [("a.tgz", scripts(*(f"tools/{i}.ps1" for i in range(7))))],
            [
                (
                    "hold: this runs when it is installed: a.tgz: tools/0.ps1, a.tgz: tools/1.ps1, a.tgz: tools/2.ps1, a.tgz: tools/3.ps1,"
                    " a.tgz: tools/4.ps1 and 2 more"
                )
            ],
        ),
        ([("a.tgz", None)], ["unknown: nobody has looked for scripts in a.tgz"]),
        (
            [("a.tgz", None), ("b.tgz", scripts("install: y"))],
            ["hold: this runs when it is installed: b.tgz: install: y", "unknown: nobody has looked for scripts in a.tgz"],
        ),
        ([], ["unknown: nobody knows its files"]),
    ],
)
def test_what_runs_when_it_is_installed(given, said):
    assert told("install-scripts", files(*given)) == said


@pytest.mark.parametrize(
    ("given", "wheels"),
    [
        ([("a.whl", scripts()), ("a.tar.gz", scripts("build backend x"))], True),
        ([("a.tar.gz", scripts("build backend x"))], False),
        ([("a.whl", scripts("x")), ("a.tar.gz", scripts("build backend x"))], False),
        ([("a.tgz", scripts("install: x"))], False),
    ],
)
def test_where_only_source_archives_run_something_wheels_alone_are_the_way_out(given, wheels):
    (verdict,) = judged("install-scripts", files(*given))
    assert verdict.remedy.startswith("approve the wheels alone" if wheels else "read what that does")


@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
def test_what_follows_is_as_the_policy_says(on_violation):
    (verdict,) = judged("install-scripts", files(("a.tgz", scripts("x"))), on_violation=on_violation)
    assert (verdict.level, verdict.unknown) == (on_violation, False)


def test_files_that_nobody_knows_hold_whatever_the_policy_says():
    (verdict,) = judged("install-scripts", Facts(now=NOW), on_violation="warn")
    assert (verdict.level, verdict.unknown) == ("hold", True)


def test_hostile_scripts_are_shown_on_one_line_and_cut():
    hostile = "postinstall: \x1b]8;;http://evil.example\x07\r\nname: allow \u2066" + "y" * 1_000_000
    (verdict,) = judged("install-scripts", files(*((f"{i}.tgz", scripts(hostile)) for i in range(100))))
    assert verdict.reason.isprintable()
    assert "\\x1b]8;;http://evil.example\\x07 name: allow \\u2066yyy" in verdict.reason
    assert verdict.reason.endswith(" and 95 more")
    assert len(verdict.reason) < 1500
