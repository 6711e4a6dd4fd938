from datetime import timedelta

import pytest
from pydantic import Field

from reconciler.declare.schema import EditorSchema
from reconciler.model.text import Duration, Shape, duration_text, rough_text


class Waiting(Shape):
    least: Duration = Field(default=timedelta(days=7), description="How long.")


@pytest.mark.parametrize(
    ("text", "expected", "again"),
    [
        ("7d", timedelta(days=7), "7d"),
        ("12h", timedelta(hours=12), "12h"),
        ("90m", timedelta(minutes=90), "90m"),
        ("2w", timedelta(days=14), "14d"),
        ("48h", timedelta(days=2), "2d"),
    ],
)
def test_a_time_is_a_number_and_a_unit(text, expected, again):
    least = Waiting.model_validate({"least": text}).least
    assert (least, duration_text(least)) == (expected, again)


@pytest.mark.parametrize("text", ["7", "7D", "7 d", " 7d", "7d\n", "07d", "-7d", "1.5d", "1y", "d", "", "100000w", "٣d"])
def test_what_has_no_unit_or_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match='expected a time with its unit, as in "7d" '):
        Waiting.model_validate({"least": text})


def test_an_editor_is_told_the_default_as_it_is_written():
    schema = Waiting.model_json_schema(schema_generator=EditorSchema)["properties"]["least"]
    assert (schema["type"], schema["default"]) == ("string", "7d")


@pytest.mark.parametrize(
    ("duration", "told"),
    [
        (timedelta(days=9, hours=5), "9 days"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=5), "0 minutes"),
        (timedelta(seconds=-5), "0 minutes"),
    ],
)
def test_an_age_is_told_roughly(duration, told):
    assert rough_text(duration) == told
