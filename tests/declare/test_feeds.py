from fractions import Fraction

import pytest

from reconciler.declare.feeds import read_settings
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Connector, Feed, Limit, Settings
from reconciler.model.permissions import Line
from reconciler.model.words import FeedName
from tests.support.targeting import Everywhere, Sizes

TYPES = {"letters": Everywhere(), "numbers": Sizes()}

WHOLE = """\
store: /srv/feeds
public_url: https://packages.example/root/
feeds:
  public-numbers:
    type: numbers
    usage: proxy
    connectors:
      - upstream: https://upstream.example:8443/index
        filters: ["*", "!Rubbish.*"]
      - upstream: ../folder
  approved-numbers: {type: numbers, usage: approved, promotes_from: [public-numbers]}
  stable: {type: numbers, usage: approved, promotes_from: [approved-numbers, public-numbers]}
limits: {withdrawals: 7, promotions: 12.5%}
advisories: {source: ./advisories}
"""


def told(text):
    return [str(problem) for problem in read_settings(text.encode(), TYPES).problems]


def a_feed(text):
    """A file with one sound proxy feed, and another feed in line 3."""
    return f"feeds:\n  p: {{type: numbers, usage: proxy, connectors: [{{upstream: x}}]}}\n  {text}\n"


def targets(value, *, type_="numbers", flow=True):
    """The file with an approved feed that has these targets."""
    if flow:
        line = f"f: {{type: {type_}, usage: approved, promotes_from: [{'q' if type_ == 'letters' else 'p'}], targets: {value}}}"
        return a_feed(line) + ("  q: {type: letters, usage: proxy, connectors: [{upstream: x}]}\n" if type_ == "letters" else "")
    return a_feed(f"f:\n    type: {type_}\n    usage: approved\n    promotes_from: [p]\n    targets: {value}")


def test_a_whole_file():
    read = read_settings(WHOLE.encode(), TYPES)
    assert read.problems == ()
    public, approved, stable = FeedName("public-numbers"), FeedName("approved-numbers"), FeedName("stable")
    assert read.names == frozenset({public, approved, stable})
    assert read.settings == Settings(
        store="/srv/feeds",
        public_url="https://packages.example/root",
        feeds={
            public: Feed(
                name=public,
                type="numbers",
                usage="proxy",
                connectors=(
                    Connector(upstream="https://upstream.example:8443/index", filters=("*", "!Rubbish.*")),
                    Connector(upstream="../folder"),
                ),
                promotes_from=(),
                where=Line(path="feeds.yaml", line=4),
            ),
            approved: Feed(
                name=approved,
                type="numbers",
                usage="approved",
                connectors=(),
                promotes_from=(public,),
                where=Line(path="feeds.yaml", line=11),
            ),
            stable: Feed(
                name=stable,
                type="numbers",
                usage="approved",
                connectors=(),
                promotes_from=(approved, public),
                where=Line(path="feeds.yaml", line=12),
            ),
        },
        withdrawals=Limit(count=7),
        advisories="./advisories",
        promotions=Limit(share=Fraction(1, 8)),
    )


def test_what_is_left_out_has_defaults():
    settings = read_settings(b"feeds: {}\n", TYPES).settings
    assert settings == Settings(
        store="./.feeds", public_url="http://127.0.0.1:8080", feeds={}, withdrawals=Limit(share=Fraction(1, 10)), promotions=None
    )


def test_a_count_of_none_is_a_limit():
    settings = read_settings(b"feeds: {}\nlimits: {withdrawals: 0}\n", TYPES).settings
    assert settings is not None
    assert settings.withdrawals == Limit(count=0)


KEYS = "aliens, connectors, dependencies, promotes_from, targets, type, usage"
URL = "expected an http(s) address without user name, password, '?' and '#'"
NAME = "expected a feed name: a-z, 0-9 and '-', not ui, api, healthz, metrics or a device name of Windows"
UPSTREAM = "expected a well-known name, a folder, feed:<name>, or an http(s) address without user name, password, '?' and '#'"
BOUND = 'expected a count, or a share as in "10%" (more than 0%, at most 100%)'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "stor: x\nfeeds: {}\n",
            ["feeds.yaml:1: stor: found an unknown key, expected one of: advisories, feeds, limits, public_url, store"],
        ),
        ("store: x\n", ["feeds.yaml:1: feeds: found nothing (missing key), expected a mapping"]),
        ("a text\n", ["feeds.yaml:1: found 'a text', expected a mapping"]),
        ("- a\n", ["feeds.yaml:1: found a list, expected a mapping"]),
        ("feeds: [a]\n", ["feeds.yaml:1: feeds: found a list, expected a mapping"]),
        ("feeds: {}\nlimits: 10%\n", ["feeds.yaml:2: limits: found '10%', expected a mapping"]),
        ("feeds: {}\nlimits: {withdrawals: ten}\n", [f"feeds.yaml:2: limits.withdrawals: found 'ten', {BOUND}"]),
        ("feeds: {}\nlimits: {withdrawals: 0%}\n", [f"feeds.yaml:2: limits.withdrawals: found '0%', {BOUND}"]),
        ("feeds: {}\nlimits: {promotions: 101%}\n", [f"feeds.yaml:2: limits.promotions: found '101%', {BOUND}"]),
        ("feeds: {}\nlimits: {promotions: -1}\n", [f"feeds.yaml:2: limits.promotions: found '-1', {BOUND}"]),
        ("feeds: {}\npublic_url: packages.example\n", [f"feeds.yaml:2: public_url: found 'packages.example', {URL}"]),
        ("feeds: {}\npublic_url: https://a:b@c.example\n", [f"feeds.yaml:2: public_url: found 'https://a:b@c.example', {URL}"]),
        ("feeds: {}\npublic_url: https://c.example/?a\n", [f"feeds.yaml:2: public_url: found 'https://c.example/?a', {URL}"]),
        ("feeds: {}\npublic_url: http://c.example:port\n", [f"feeds.yaml:2: public_url: found 'http://c.example:port', {URL}"]),
        ("feeds: {}\npublic_url: 'http://[::1'\n", [f"feeds.yaml:2: public_url: found 'http://[::1', {URL}"]),
        ("feeds: {}\npublic_url: 'https://'\n", [f"feeds.yaml:2: public_url: found 'https://', {URL}"]),
        ("feeds: {}\nstore: ''\n", ["feeds.yaml:2: store: found '', expected one line of text"]),
        ("feeds: {}\nstore: [x]\n", ["feeds.yaml:2: store: found a list, expected one line of text"]),
        (a_feed("Big: {type: numbers, usage: proxy, connectors: [{upstream: x}]}"), [f"feeds.yaml:3: feeds.Big: found 'Big', {NAME}"]),
        (a_feed("ui: {type: numbers, usage: proxy, connectors: [{upstream: x}]}"), [f"feeds.yaml:3: feeds.ui: found 'ui', {NAME}"]),
        (a_feed("con: {type: numbers, usage: proxy, connectors: [{upstream: x}]}"), [f"feeds.yaml:3: feeds.con: found 'con', {NAME}"]),
        (a_feed("a/b: {type: numbers, usage: proxy, connectors: [{upstream: x}]}"), [f"feeds.yaml:3: feeds['a/b']: found 'a/b', {NAME}"]),
        (a_feed("f: numbers"), ["feeds.yaml:3: feeds.f: found 'numbers', expected a mapping"]),
        (
            a_feed("f: {}"),
            [
                "feeds.yaml:3: feeds.f.type: found nothing (missing key), expected one line of text",
                "feeds.yaml:3: feeds.f.usage: found nothing (missing key), expected proxy or approved",
            ],
        ),
        (
            a_feed("f: {type: conda, usage: approved, promotes_from: [p]}"),
            [
                "feeds.yaml:3: feeds.f.type: found 'conda', expected one of: letters, numbers",
                "feeds.yaml:3: feeds.f.promotes_from[0]: found 'p', a feed of type 'numbers', expected a feed of type 'conda'",
            ],
        ),
        (
            a_feed("f: {type: numbers, usage: private}"),
            ["feeds.yaml:3: feeds.f.usage: found 'private', expected proxy or approved (private feeds are not supported in this version)"],
        ),
        (a_feed("f: {type: numbers, usage: open}"), ["feeds.yaml:3: feeds.f.usage: found 'open', expected proxy or approved"]),
        (
            a_feed("f: {type: numbers, usage: proxy}"),
            ["feeds.yaml:3: feeds.f.connectors: found none, expected at least one connector, since usage is proxy"],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: []}"),
            ["feeds.yaml:3: feeds.f.promotes_from: found none, expected at least one feed, since usage is approved"],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: [p], connectors: []}"),
            ["feeds.yaml:3: feeds.f.connectors: found a key of another usage, expected no such key, since usage is approved"],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, promotes_from: [p], connectors: [{upstream: x}]}"),
            ["feeds.yaml:3: feeds.f.promotes_from: found a key of another usage, expected no such key, since usage is proxy"],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: [q, p, p]}"),
            [
                "feeds.yaml:3: feeds.f.promotes_from[0]: found the unknown feed 'q', expected p",
                "feeds.yaml:3: feeds.f.promotes_from[2]: found 'p' a second time, expected each feed once",
            ],
        ),
        (
            a_feed("f: {type: letters, usage: approved, promotes_from: [q]}"),
            ["feeds.yaml:3: feeds.f.promotes_from[0]: found the unknown feed 'q', expected none (there are none yet)"],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: p}"),
            ["feeds.yaml:3: feeds.f.promotes_from: found 'p', expected a list"],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: [P]}"),
            ["feeds.yaml:3: feeds.f.promotes_from[0]: found 'P', expected the name of a feed"],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: [f]}"),
            ["feeds.yaml:3: feeds.f.promotes_from: found a cycle (f -> f), expected feeds that do not lead back here"],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, connectors: [{filters: [a]}, x]}"),
            [
                f"feeds.yaml:3: feeds.f.connectors[0].upstream: found nothing (missing key), {UPSTREAM}",
                "feeds.yaml:3: feeds.f.connectors[1]: found 'x', expected a mapping",
            ],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, connectors: [{upstream: x, filters: ['!', ' ']}]}"),
            [
                "feeds.yaml:3: feeds.f.connectors[0].filters[0]: found '!', expected a pattern as in Newtonsoft.* or !Rubbishsoft.*",
                "feeds.yaml:3: feeds.f.connectors[0].filters[1]: found ' ', expected a pattern as in Newtonsoft.* or !Rubbishsoft.*",
            ],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: [p], aliens: delete}"),
            ["feeds.yaml:3: feeds.f.aliens: found 'delete', expected report or quarantine"],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, connectors: [{upstream: x}], aliens: report}"),
            ["feeds.yaml:3: feeds.f.aliens: found a key of another usage, expected no such key, since usage is proxy"],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, connectors: [{upstream: 'feed:q'}, {upstream: 'feed:Q'}]}"),
            [f"feeds.yaml:3: feeds.f.connectors[1].upstream: found 'feed:Q', {UPSTREAM}"],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, connectors: [{upstream: x}, {upstream: 'feed:q'}]}"),
            ["feeds.yaml:3: feeds.f.connectors[1].upstream: found the unknown feed 'q', expected feed:p"],
        ),
        (
            a_feed("f: {type: letters, usage: proxy, connectors: [{upstream: 'feed:p'}]}"),
            ["feeds.yaml:3: feeds.f.connectors[0].upstream: found 'p', a feed of type 'numbers', expected a feed of type 'letters'"],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, connectors: [{upstream: 'feed:f'}]}"),
            ["feeds.yaml:3: feeds.f.connectors[0].upstream: found a cycle (f -> f), expected feeds that do not lead back here"],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, connectors: [{upstream: 'feed:p'}]}").replace("upstream: x", "upstream: 'feed:f'"),
            ["feeds.yaml:2: feeds.p.connectors[0].upstream: found a cycle (p -> f -> p), expected feeds that do not lead back here"],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: [p], target: {}}"),
            [f"feeds.yaml:3: feeds.f.target: found an unknown key, expected one of: {KEYS}"],
        ),
        (
            a_feed("f: {type: numbers, usage: approved, promotes_from: [p], dependencies: hold}"),
            ["feeds.yaml:3: feeds.f.dependencies: found 'hold', expected require, warn or off"],
        ),
        (
            a_feed("f: {type: numbers, usage: proxy, connectors: [{upstream: x}], dependencies: warn, targets: {sizes: 1}}"),
            [
                f"feeds.yaml:3: feeds.f.{key}: found a key of another usage, expected no such key, since usage is proxy"
                for key in ("dependencies", "targets")
            ],
        ),
        (targets("small"), ["feeds.yaml:3: feeds.f.targets: found 'small', expected a mapping"]),
        (targets("[small]"), ["feeds.yaml:3: feeds.f.targets: found a list, expected a mapping"]),
        (targets("{}"), ["feeds.yaml:3: feeds.f.targets: found none, expected at least one"]),
        (targets("{sizes: []}"), ["feeds.yaml:3: feeds.f.targets.sizes: found none, expected at least one"]),
        (targets("{sizes: {a: b}}"), ["feeds.yaml:3: feeds.f.targets.sizes: found a mapping, expected a list"]),
        (targets("{sizes: [[a]]}"), ["feeds.yaml:3: feeds.f.targets.sizes[0]: found a list, expected one line of text"]),
        (targets("{sizes: ''}"), ["feeds.yaml:3: feeds.f.targets.sizes: found '', expected one line of text"]),
        (
            targets("{size: a, 'the sizes': [b]}"),
            [
                f"feeds.yaml:3: feeds.f.targets{key}: found an unknown key, expected one of: colours, sizes"
                for key in (".size", "['the sizes']")
            ],
        ),
        (
            targets("{sizes: a}", type_="letters"),
            [
                (
                    "feeds.yaml:3: feeds.f.targets.sizes: found an unknown key, "
                    "expected no targets, since dependencies of letters packages are the same everywhere"
                ),
            ],
        ),
        (
            targets("\n      sizes:\n      - small\n      - x-large\n      colours: '!'", flow=False),
            [
                (
                    "feeds.yaml:10: feeds.f.targets.sizes[1]: found 'x-large', "
                    "expected a target of numbers packages ('x-large' has other characters than letters and digits)"
                ),
                (
                    "feeds.yaml:11: feeds.f.targets.colours: found '!', "
                    "expected a target of numbers packages ('!' has other characters than letters and digits)"
                ),
            ],
        ),
        (
            targets(f"{{sizes: {[f's{i}' for i in range(21)]}, colours: [a, b, c, d, e]}}"),
            ["feeds.yaml:3: feeds.f.targets: found 105 targets, expected at most 100"],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, lines):
    assert told(text) == lines


@pytest.mark.parametrize(
    "upstream",
    ["https://u:p@h.example/", "https://u@h.example/", "https://h.example/?sig=x", "https://h.example/#f", "ftp://h.example/", "file:///srv/x", "https://", "' x'", '"a\\tb"', "''", "http://h.example:99999/", "https://h.example\\@g.example"],
)  # fmt: skip
def test_an_upstream_carries_no_credentials(upstream):
    lines = told(a_feed(f"f: {{type: numbers, usage: proxy, connectors: [{{upstream: {upstream}}}]}}"))
    assert len(lines) == 1
    assert lines[0].startswith("feeds.yaml:3: feeds.f.connectors[0].upstream: found ")
    assert lines[0].endswith(UPSTREAM)


@pytest.mark.parametrize("upstream", ["nuget.org", "feed:p", "./folder", "/srv/a b", "https://h.example/v3/index.json", "http://[::1]:80/"])
def test_upstreams(upstream):
    settings = read_settings(
        a_feed(f"f: {{type: numbers, usage: proxy, connectors: [{{upstream: '{upstream}'}}]}}").encode(), TYPES
    ).settings
    assert settings is not None
    assert settings.feeds[FeedName("f")].connectors[0].upstream == upstream


def test_a_pipeline_that_leads_back_is_told_once():
    text = "feeds:\n" + "".join(
        f"  {name}: {{type: numbers, usage: approved, promotes_from: [{source}]}}\n" for name, source in ("ab", "bc", "ca")
    )
    (line,) = told(text)
    assert line == "feeds.yaml:2: feeds.a.promotes_from: found a cycle (a -> b -> c -> a), expected feeds that do not lead back here"


def test_feeds_that_promote_and_connect_in_a_circle():
    """An approved feed that a proxy feed shows, which it promotes from itself: packages would approve one another."""
    text = """\
feeds:
  inner: {type: numbers, usage: approved, promotes_from: [shown]}
  shown:
    type: numbers
    usage: proxy
    connectors:
      - upstream: ./folder
      - upstream: feed:inner
"""
    assert told(text) == [
        "feeds.yaml:2: feeds.inner.promotes_from: found a cycle (inner -> shown -> inner), expected feeds that do not lead back here"
    ]
    assert told(text.replace("feed:inner", "nuget.org")) == []


def test_a_feed_may_show_another_one_of_any_usage():
    text = WHOLE.replace("      - upstream: ../folder\n", "      - upstream: ../folder\n      - upstream: feed:mirror\n").replace(
        "  stable:",
        "  mirror: {type: numbers, usage: proxy, connectors: [{upstream: 'feed:all'}]}\n"
        "  all: {type: numbers, usage: proxy, connectors: [{upstream: numbers.example}]}\n  stable:",
    )
    settings = read_settings(text.encode(), TYPES).settings
    assert settings is not None
    assert settings.feeds[FeedName("public-numbers")].connectors[-1] == Connector(upstream="feed:mirror")
    assert settings.feeds[FeedName("mirror")].connectors == (Connector(upstream="feed:all"),)


@pytest.mark.parametrize(("said", "aliens"), [("", "report"), (", aliens: report", "report"), (", aliens: quarantine", "quarantine")])
def test_what_becomes_of_files_that_nobody_approved(said, aliens):
    settings = read_settings(a_feed(f"f: {{type: numbers, usage: approved, promotes_from: [p]{said}}}").encode(), TYPES).settings
    assert settings is not None
    assert settings.feeds[FeedName("f")].aliens == aliens


@pytest.mark.parametrize(("said", "dependencies"), [("", "warn"), *((f", dependencies: {one}", one) for one in ("require", "warn", "off"))])
def test_what_follows_where_a_dependency_is_not_approved(said, dependencies):
    settings = read_settings(a_feed(f"f: {{type: numbers, usage: approved, promotes_from: [p]{said}}}").encode(), TYPES).settings
    assert settings is not None
    assert settings.feeds[FeedName("f")].dependencies == dependencies


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        ("{sizes: [small, large]}", ("small", "large")),
        ("{sizes: small}", ("small",)),
        ("{sizes: [small, large, small]}", ("small", "large")),
        ("{colours: [red, blue], sizes: [010]}", ("010 red", "010 blue")),
        ("{colours: no}", ("no",)),
    ],
)
def test_what_dependencies_are_judged_for_is_said_in_the_words_of_the_ecosystem(value, labels):
    settings = read_settings(targets(value).encode(), TYPES).settings
    assert settings is not None
    assert settings.feeds[FeedName("f")].targets == labels


def test_targets_of_real_feeds():
    text = """\
feeds:
  public-nuget: {type: nuget, usage: proxy, connectors: [{upstream: x}]}
  public-pypi: {type: pypi, usage: proxy, connectors: [{upstream: x}]}
  public-npm: {type: npm, usage: proxy, connectors: [{upstream: x}]}
  nuget: {type: nuget, usage: approved, promotes_from: [public-nuget], targets: {frameworks: [net8.0, net48]}}
  pypi: {type: pypi, usage: approved, promotes_from: [public-pypi], targets: {python: [3.10, 3.11.4], platforms: linux_x86_64}}
  npm: {type: npm, usage: approved, promotes_from: [public-npm]}
"""
    types = {name: ecosystem.targeting for name, ecosystem in ECOSYSTEMS.items()}
    settings = read_settings(text.encode(), types).settings
    assert settings is not None
    assert {name: feed.targets for name, feed in settings.approved().items()} == {
        "nuget": ("net8.0", "net48"),
        "pypi": ("3.10 linux_x86_64", "3.11.4 linux_x86_64"),
        "npm": (),
    }
    wrong = text.replace("net48", "net4x").replace("linux_x86_64", "linux").replace("[public-npm]", "[public-npm], targets: {node: 22}")
    assert [str(problem) for problem in read_settings(wrong.encode(), types).problems] == [
        (
            "feeds.yaml:5: feeds.nuget.targets.frameworks[1]: found 'net4x', expected a target of nuget packages "
            "('net4x' is no target framework as in net8.0, net48, netstandard2.0 or net8.0-windows10.0.19041)"
        ),
        (
            "feeds.yaml:6: feeds.pypi.targets.platforms: found 'linux', expected a target of pypi packages ('linux' is no platform as in "
            "linux_x86_64, linux_aarch64, macosx_arm64, macosx_x86_64, win_amd64 or win32)"
        ),
        (
            "feeds.yaml:7: feeds.npm.targets.node: found an unknown key, expected no targets, since dependencies of npm packages are the same "
            "everywhere"
        ),
    ]


def test_entries_that_are_wrong_do_not_hide_what_is_wrong_with_others():
    text = (
        "store: &x ./feeds\n"
        "feeds:\n"
        "  p: {type: numbers, usage: proxy}\n"
        "  q: {type: numbers, usage: no, typ: x}\n"
        "  f: {type: numbers, usage: approved, promotes_from: [q, r]}\n"
    )
    assert told(text) == [
        "feeds.yaml:1: store: found an anchor ('&x'), expected the value alone",
        "feeds.yaml:4: feeds.q.usage: found 'no', expected proxy or approved",
        "feeds.yaml:4: feeds.q.typ: found an unknown key, expected one of: " + KEYS,
        "feeds.yaml:3: feeds.p.connectors: found none, expected at least one connector, since usage is proxy",
        "feeds.yaml:5: feeds.f.promotes_from[1]: found the unknown feed 'r', expected p",
    ]


def test_what_yaml_already_refused_is_not_told_again():
    assert told("feeds:\n  f: *x\n  g:\n    type: numbers\n    usage:\n    connectors: [{upstream: *y}]\n") == [
        "feeds.yaml:2: feeds.f: found an alias ('*x'), expected the value written out",
        "feeds.yaml:5: feeds.g.usage: found nothing (empty value), expected a value, or the key left out",
        "feeds.yaml:6: feeds.g.connectors[0].upstream: found an alias ('*y'), expected the value written out",
    ]


def test_at_most_fifty_problems_are_told():
    assert len(told("feeds:\n" + "".join(f"  f{i}: {{}}\n" for i in range(1000)))) == 50
    assert (
        len(told("feeds:\n" + "".join(f"  f{i}: {{type: numbers, usage: approved, promotes_from: [f{i}]}}\n" for i in range(1000)))) == 10
    )


def test_many_names_are_cut():
    text = "feeds:\n" + "".join(f"  p{i:02}: {{type: numbers, usage: proxy, connectors: [{{upstream: x}}]}}\n" for i in range(40))
    (line,) = told(text + "  f: {type: numbers, usage: approved, promotes_from: [q]}\n")
    assert line.endswith("p28, p29 and 10 more")
