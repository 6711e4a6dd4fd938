"""What all JSON reports are made of: a row, a time, a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

from reconciler.model.events import Assurance, Named

Time = Annotated[datetime, PlainSerializer(lambda when: when.strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str)]


class Row(BaseModel):
    """A part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PersonRow(Row):
    """Somebody, and how the name is known."""

    name: str
    email: str
    assurance: Assurance

    def named(self) -> Named:
        """The same person as our own type."""
        return Named(name=self.name, email=self.email, assurance=self.assurance)


def person_row(person: Named) -> PersonRow:
    """A person as JSON."""
    return PersonRow(name=person.name, email=person.email, assurance=person.assurance)
