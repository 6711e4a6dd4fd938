"""The tree of what an approval needs: what is chosen, what is closed already, what is missing."""

from __future__ import annotations

from collections import Counter

import pytest

from reconciler.propose.closure import Tree
from tests.propose.ground import Site, missing, new


def fetched(site: Site) -> Counter[str]:
    return Counter(what for what in site.shelf.asked if what.endswith(".whl"))


def notes(tree: Tree) -> list[str]:
    return [link.note for links in tree.links.values() for link in links if link.note]


def test_everything_below_is_chosen_and_says_who_needs_it():
    site = Site()
    site.offer("app 1", "lib>=1", "tool")
    site.offer("lib 1.0")
    site.offer("lib 1.5", "base")
    site.offer("tool 1.0", "Base<2", "lib")
    site.offer("base 1.0")
    assert new(site.close("app 1")) == {
        "app 1": (),
        "lib 1.5": ("app 1", "tool 1.0"),
        "tool 1.0": ("app 1",),
        "base 1.0": ("lib 1.5", "tool 1.0"),
    }


def test_each_file_is_downloaded_once_whoever_needs_it_and_however_often_the_walk_begins_again():
    site = Site()
    site.offer("app 1", "left", "right")
    site.offer("left 1", "base")
    site.offer("right 1", "base<2", "left")
    for version in ("1.0", "1.5", "2.0"):
        site.offer(f"base {version}")
    assert set(new(site.close("app 1"))) == {"app 1", "left 1", "right 1", "base 1.5"}
    assert set(fetched(site).values()) == {1}


def test_what_only_the_version_needed_that_was_given_up_is_not_approved():
    site = Site()
    site.offer("app 1", "base", "tool")
    site.offer("tool 1", "base<2")
    site.offer("base 2.0", "gadget")
    site.offer("base 1.0")
    site.offer("gadget 1.0", "absent")
    tree = site.close("app 1")
    assert (set(new(tree)), missing(tree)) == ({"app 1", "tool 1", "base 1.0"}, [])


def test_a_chosen_version_that_is_in_range_is_kept_although_there_is_a_higher_one():
    site = Site()
    site.offer("app 1", "base<2", "tool")
    site.offer("tool 1", "base>=1")
    for version in ("1.0", "2.0"):
        site.offer(f"base {version}")
    assert set(new(site.close("app 1"))) == {"app 1", "tool 1", "base 1.0"}


def test_where_no_version_is_in_range_for_all_there_are_two_and_that_is_told():
    site = Site()
    site.offer("app 1", "base<2", "tool")
    site.offer("tool 1", "base>=2")
    for version in ("1.0", "2.0"):
        site.offer(f"base {version}")
    tree = site.close("app 1")
    assert set(new(tree)) == {"app 1", "tool 1", "base 1.0", "base 2.0"}
    assert notes(tree) == ["a second version beside 1.0: none is in range for all that ask for it"]


def test_what_was_asked_for_is_never_exchanged():
    site = Site()
    site.offer("app 1", "base>=2")
    for version in ("1.0", "2.0", "3.0"):
        site.offer(f"base {version}")
    assert set(new(site.close("base 1.0", "app 1"))) == {"base 1.0", "app 1", "base 3.0"}
    assert new(site.close("base 2.0", "app 1")) == {"base 2.0": (), "app 1": ()}


def test_versions_that_chase_each_other_come_to_an_end():
    """Each version of left asks for another one of right, and the other way round."""
    site = Site()
    site.offer("app 1", "left", "right")
    for number in range(1, 8):
        site.offer(f"left {number}", f"right!={number}")
        site.offer(f"right {number}", f"left!={number}")
    tree = site.close("app 1")
    assert missing(tree) == []
    assert len(new(tree)) <= 5


@pytest.mark.parametrize("length", [1, 2, 500])
def test_a_cycle_is_walked_once(length):
    site = Site()
    for number in range(length):
        site.offer(f"p{number} 1", f"p{(number + 1) % length}")
    assert len(new(site.close("p0 1"))) == length


def test_what_an_approved_version_satisfies_is_closed_and_nobody_looks_it_up():
    site = Site(approved=["lib 1.0"])
    site.offer("app 1", "lib")
    site.offer("lib 2.0")
    tree = site.close("app 1")
    assert new(tree) == {"app 1": ()}
    assert [link.part.version.text for links in tree.links.values() for link in links if link.part] == ["1.0"]
    assert [what for what in site.shelf.asked if "lib" in what] == []


def test_an_approved_version_out_of_range_is_not_enough():
    site = Site(approved=["lib 1.0"])
    site.offer("app 1", "lib>=2")
    site.offer("lib 2.0")
    assert set(new(site.close("app 1"))) == {"app 1", "lib 2.0"}


def test_what_an_extra_of_an_approved_version_needs_is_looked_up():
    site = Site(approved=["lib 1.0"])
    site.offer("app 1", "lib[fast]")
    site.offer("lib 1.0", "speed; extra == 'fast'", "other; extra == 'slow'")
    site.offer("speed 1.0")
    assert set(new(site.close("app 1"))) == {"app 1", "speed 1.0"}


def test_where_the_upstream_has_lost_an_approved_version_it_is_told_that_its_extras_are_not_known():
    site = Site(approved=["lib 1.0"])
    site.offer("app 1", "lib[fast]")
    site.offer("lib 2.0")
    tree = site.close("app 1")
    assert set(new(tree)) == {"app 1"}
    assert list(tree.unknown.values()) == ["the proxy feed does not have it any more"]


def test_what_an_approved_version_lacks_can_be_asked_for():
    site = Site(approved=["app 1"])
    site.offer("app 1", "lib", "app")
    site.offer("lib 1.0")
    assert new(site.close("app 1")) == {"lib 1.0": ("app 1",)}


def test_extras_that_are_asked_for_are_walked_and_others_are_not():
    site = Site()
    site.offer("app 1", "one; extra == 'x'", "two; extra == 'y'", "app[y]; extra == 'z'")
    for name in ("one", "two"):
        site.offer(f"{name} 1")
    assert set(new(site.close("app 1"))) == {"app 1"}
    assert set(new(site.close("app 1", extras=["x"]))) == {"app 1", "one 1"}
    assert set(new(site.close("app 1", extras=["z"]))) == {"app 1", "two 1"}


def test_only_what_the_targets_of_the_feed_need_is_walked():
    site = Site(targets='{python: ["3.11", "3.12"], platforms: [linux_x86_64]}')
    site.offer("app 1", "win; sys_platform == 'win32'", "old; python_version < '3.12'", "lin; sys_platform == 'linux'")
    for name in ("win", "old", "lin"):
        site.offer(f"{name} 1")
    assert set(new(site.close("app 1"))) == {"app 1", "old 1", "lin 1"}


def test_all_that_is_missing_is_told_not_the_first():
    site = Site(policies={"license": "rule: license\non_violation: deny\nparams: {allow: [MIT]}\n"})
    site.offer("app 1", "absent", "lib>=9", "bad", "tool")
    site.offer("lib 1.0")
    site.offer("bad 1.0", license_expression="AGPL-3.0-only")
    site.offer("tool 1.0", "absent2")
    assert [text.partition(" has")[0] for text in missing(site.close("app 1"))] == [
        "absent: public does not have it: ./public: ./public",
        "bad: no version in range passes",
        "lib>=9: public",
        "absent2: public does not have it: ./public: ./public",
    ]
