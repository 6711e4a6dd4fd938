"""`check` on waivers, by the clock of the machine: what has ended or matches nothing fails, what ends soon is noted."""

from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
import yaml

from tests.cli.place import make_place

AGE = "rule: age\nfeeds: approved-nuget\nparams: {min_age: 7d}\n"
WAIVER = """\
rule: age
feed: approved-nuget
package: sample.lib
versions: 1.0.0
owner: grace
reason: Ours.
expires: {expires}
"""
PATH = "policies/waivers/sample.yaml"
APPROVAL = "from: public-nuget\nreason: Ours.\nfiles: {Sample.Lib.1.0.0.nupkg: {size: 1, sha256: " + "ab" * 32 + "}}\n"


def day(days):
    return f"{datetime.now(UTC).date() + timedelta(days=days)}"


@pytest.fixture
def place(tmp_path):
    place = make_place(tmp_path / "repo")
    place.write("policies/age.yaml", AGE)
    place.write("approvals/approved-nuget/Sample.Lib/1.0.0.yaml", APPROVAL)
    return place


def check(place, text):
    place.write(PATH, text)
    place.commit()
    return place.run("check")


def test_a_waiver_that_is_needed_is_counted(place):
    done = check(place, WAIVER.format(expires=day(200)))
    assert (done.code, done.err) == (0, "")
    assert done.out == "The declaration is well-formed: 4 feeds, 2 permissions, 1 approval, 1 policy, 1 waiver.\n"


def test_a_waiver_that_ends_within_six_weeks_is_noted_with_its_owner(place):
    done = check(place, WAIVER.format(expires=day(30)))
    assert done.code == 0
    assert f"Note: {PATH} (age: sample.lib) ends in 29 days, on {day(30)}; grace answers for it.\n" in done.out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WAIVER.format(expires=day(0)), f"{PATH}:7: expires: found {day(0)}, which has come, expected "),
        (WAIVER.format(expires=day(370)), f"{PATH}:7: expires: found {day(370)}, more than a year ahead, expected "),
        (WAIVER.format(expires=day(200)).replace("1.0.0", "1.0.1"), f"{PATH}:3: package: found 'sample.lib', of which it matches no "),
        (WAIVER.format(expires=day(200)).replace("rule: age", "rule: size"), f"{PATH}:1: rule: found size, of which no policy holds there"),
        (WAIVER.format(expires=day(200)).replace("owner: grace\n", ""), f"{PATH}:1: owner: found nothing (missing key), expected "),
    ],
)
def test_a_waiver_that_should_not_be_there_fails(place, text, told):
    done = check(place, text)
    assert (done.code, done.out) == (4, "")
    assert told in done.err


def test_everything_is_told_at_once_with_what_is_wrong_with_approvals(place):
    place.write("approvals/approved-pypi/leaf/1.2.yaml", "reason: x\n")
    place.write("policies/size.yaml", "rule: size\nfeeds: aproved-*\nparams: {max_file: 50 MB}\n")
    done = check(place, WAIVER.format(expires=day(-1)))
    assert done.code == 4
    places = ("approvals/approved-pypi/leaf/1.2.yaml:1: files: ", "policies/size.yaml:2: feeds: ", f"{PATH}:7: expires: ")
    assert [done.err.index(where) for where in places] == sorted(done.err.index(where) for where in places)


def test_an_apply_goes_on_though_a_waiver_has_ended_and_a_policy_is_for_no_feed(place):
    place.write("policies/size.yaml", "rule: size\nfeeds: aproved-*\nparams: {max_file: 50 MB}\n")
    assert check(place, WAIVER.format(expires=day(-1))).code == 4
    assert place.run("plan").code != 4


def test_the_schema_is_one_and_the_waiver_of_it(place):
    schema = place.run("schema", "waiver").json
    jsonschema.validate(yaml.load(WAIVER.format(expires="'2027-01-31'"), Loader=yaml.SafeLoader), schema)
    assert schema["title"] == "Waiver"
