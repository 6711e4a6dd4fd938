import pytest

from reconciler.decide.people import same_person, user_of
from reconciler.model.events import Person
from tests.support.declared import rules

PERMISSIONS = rules("allow: promote-packages, user: ada", "allow: promote-packages, user: everyone, to: payments").permissions


def at(email):
    return Person(name="Somebody", email=email)


@pytest.mark.parametrize(
    ("email", "user"),
    [
        ("ada@example.org", "ada"),
        ("ada@home.example", "ada"),
        ("ADA@Example.ORG", "ada"),
        ("grace@example.org", "grace"),
        ("4711+ada@users.noreply.github.com", "ada"),
        ("4711+renamed-since@users.noreply.github.com", "ada"),
        ("4711+Ada@Users.NoReply.GitHub.com", "ada"),
        ("4711+@users.noreply.github.com", "ada"),
        ("4712+ada@users.noreply.github.com", None),
        ("ada@users.noreply.github.com", None),
        ("4711-ada@users.noreply.github.com", None),  # the older form, of whoever is called 4711-ada
        ("4711@users.noreply.github.com", None),
        ("4711+ada@users.noreply.github.com.example", None),
        ("x4711+ada@users.noreply.github.com", None),
        ("4711+ada@evil@users.noreply.github.com", None),
        ("٤٧١١+ada@users.noreply.github.com", None),
        (f"{'9' * 5000}+ada@users.noreply.github.com", None),
        ("ada@example.org ", None),
        ("mallory@example.org", None),
        ("", None),
    ],
)
def test_an_address_names_a_user(email, user):
    assert user_of(PERMISSIONS, at(email)) == user


def test_a_user_without_github_account_is_not_named_by_one():
    assert user_of(PERMISSIONS, at("0+grace@users.noreply.github.com")) is None


def test_the_name_in_a_commit_proves_nothing():
    assert user_of(PERMISSIONS, Person(name="ada", email="mallory@example.org")) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ada@example.org", "ada@home.example", True),
        ("ada@example.org", "4711+a@users.noreply.github.com", True),
        ("ada@example.org", "grace@example.org", False),
        ("mallory@example.org", "Mallory@Example.org", True),
        ("mallory@example.org", "eve@example.org", False),
        ("ada@example.org", "eve@example.org", False),
    ],
)
def test_two_addresses_are_one_person(one, other, same):
    assert same_person(PERMISSIONS, at(one), at(other)) is same
    assert same_person(PERMISSIONS, at(other), at(one)) is same
