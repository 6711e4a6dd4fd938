"""What each real client sees of a version that was taken back: the table of the README, client by client.

Unlisted: nothing new should take it, an exact pin still gets it, and the reason is shown where the protocol has a place for it.
Quarantined: it is gone, for everybody, from every page and as a file. Deprecated: it works, and is warned of. Where a client does less
than that, its test says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.clients.javascript import JavaScript
from tests.clients.project import Project
from tests.clients.taken_back import DEPRECATED, MALWARE, REASON, publish_and_take_back
from tests.clients.test_nuget import NuGet
from tests.support.clients import run_client
from tests.support.nginx import Nginx
from tests.support.nupkgs import nupkg
from tests.support.static_server import SIMPLE_JSON
from tests.support.tarballs import tarball, tarball_name
from tests.support.wheels import wheel, wheel_name

pytestmark = pytest.mark.client("nginx")

PYTHON = [pytest.param(name, marks=pytest.mark.client(name)) for name in ("pip", "uv")]
JAVASCRIPT = [pytest.param(name, marks=pytest.mark.client(name)) for name in ("npm", "pnpm", "yarn", "yarn-berry")]
MAKE = {
    "npm": lambda name, version: (tarball_name(name, version), tarball(name, version)),
    "nuget": lambda name, version: (f"{name}.{version}.nupkg", nupkg(name, version)),
    "pypi": lambda name, version: (wheel_name(name, version), wheel(name, version)),
}


def published(tmp_path_factory, feed_type: str) -> Iterator[tuple[Project, Nginx]]:
    folder = tmp_path_factory.mktemp(feed_type)
    with Nginx(folder / "server") as server:
        yield publish_and_take_back(folder, server, feed_type=feed_type, make=MAKE[feed_type]), server


# ------------------------------------------------------------------------------------------------------------- Python


@pytest.fixture(scope="module")
def pypi(tmp_path_factory) -> Iterator[tuple[Project, Nginx]]:
    yield from published(tmp_path_factory, "pypi")


@pytest.fixture
def python(pypi, tmp_path) -> Callable[..., tuple[str, dict[str, str]]]:
    """Installs requirements with pip or uv into an empty folder; what was said, in one line, and what is installed then."""

    def install(client: str, *requirements: str, expect: int = 0) -> tuple[str, dict[str, str]]:
        command = ["install", "--no-cache-dir"] if client == "pip" else ["pip", "install", "--no-cache"]
        where = ["--target", str(tmp_path / "site"), "--index-url", f"{pypi[1].url}/approved-pypi/simple/"]
        said = run_client(client, *command, *where, *requirements, home=tmp_path, expect=expect)
        return " ".join(said.split()), {one.metadata["Name"]: one.version for one in distributions(path=[str(tmp_path / "site")])}

    return install


@pytest.mark.parametrize("client", PYTHON)
@pytest.mark.parametrize(("requirement", "version"), [("mk-lib>=1", "1.0.0"), ("mk-mid~=1.0.0", "1.0.0"), ("mk-bad", "1.0.0")])
def test_python_clients_pass_over_what_is_taken_back_in_a_range(client, requirement, version, python):
    said, installed = python(client, requirement)
    assert list(installed.values()) == [version]
    assert "yanked" not in said


@pytest.mark.parametrize("client", PYTHON)
def test_python_clients_install_an_exact_pin_of_what_is_unlisted_and_show_the_reason(client, python):
    said, installed = python(client, "mk-lib==1.1.0")
    assert installed == {"mk-lib": "1.1.0"}
    assert {"pip": f"Reason for being yanked: {REASON}", "uv": f'`mk-lib==1.1.0` is yanked (reason: "{REASON}")'}[client] in said


@pytest.mark.parametrize("client", PYTHON)
def test_python_clients_refuse_a_range_whose_only_version_is_unlisted(client, python):
    said, installed = python(client, "mk-only", expect=1)
    assert installed == {}
    assert {"pip": "(from versions: 1.0.0)", "uv": f"mk-only==1.0.0 was yanked (reason: {REASON.rstrip('.')})"}[client] in said


@pytest.mark.parametrize("client", PYTHON)
@pytest.mark.parametrize("requirement", ["mk-bad==1.1.0", "mk-gone"])
def test_python_clients_do_not_find_what_is_quarantined(client, requirement, python):
    said, installed = python(client, requirement, expect=1)
    assert installed == {}
    expected = rf"No matching distribution found for {requirement}|there is no version of {requirement}|mk-gone was not found"
    assert re.search(expected, said)


@pytest.mark.parametrize("client", PYTHON)
def test_python_clients_do_not_tell_of_a_deprecation(client, python):
    """PEP 792 has it on the page, for a project as a whole; neither shows it yet."""
    said, installed = python(client, "mk-old")
    assert installed == {"mk-old": "1.1.0"}
    assert "Slow" not in said


@pytest.mark.client("poetry")
def test_poetry_locks_an_exact_pin_of_what_is_unlisted_and_shows_the_reason(pypi, tmp_path):
    source = f'[[tool.poetry.source]]\nname = "feed"\nurl = "{pypi[1].url}/approved-pypi/simple/"\npriority = "primary"\n'
    project = '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.11"\n'
    needs = 'dependencies = ["mk-lib==1.1.0", "mk-mid~=1.0.0"]\n[tool.poetry]\npackage-mode = false\n'
    (tmp_path / "pyproject.toml").write_text(project + needs + source, encoding="utf-8")
    said = run_client("poetry", "lock", home=tmp_path)
    assert f"The locked version 1.1.0 for mk-lib is a yanked version. Reason for being yanked: {REASON}" in said
    lock = (tmp_path / "poetry.lock").read_text(encoding="utf-8")
    assert re.findall(r'^name = "(.*)"\nversion = "(.*)"', lock, flags=re.MULTILINE) == [("mk-lib", "1.1.0"), ("mk-mid", "1.0.0")]


# --------------------------------------------------------------------------------------------------------- JavaScript


@pytest.fixture(scope="module")
def npm(tmp_path_factory) -> Iterator[tuple[Project, Nginx]]:
    yield from published(tmp_path_factory, "npm")


@pytest.fixture
def developer(npm, tmp_path) -> Callable[..., JavaScript]:
    def need(client: str, **dependencies: str) -> JavaScript:
        found = JavaScript(client=client, home=tmp_path / "home", registry=f"{npm[1].url}/approved-npm")
        found.need(**dependencies)
        return found

    return need


@pytest.mark.parametrize("client", JAVASCRIPT)
def test_javascript_clients_take_the_version_before_an_unlisted_one(client, developer):
    """The unlisted one is no longer `latest`, and that is what a range prefers, so that even clients without a care for deprecations
    take another; nor does anybody take what is quarantined.
    """
    one = developer(client, mk_lib="^1.0.0", mk_bad="^1.0.0")
    assert REASON not in one.install()
    assert one.installed() == {"mk-lib": "1.0.0", "mk-bad": "1.0.0"}


@pytest.mark.parametrize("client", JAVASCRIPT)
def test_not_every_javascript_client_passes_over_an_unlisted_version_where_the_range_leaves_out_latest(client, developer):
    one = developer(client, mk_mid="~1.0.0")
    said = one.install()
    careful = client in {"npm", "yarn-berry"}
    assert one.installed() == {"mk-mid": "1.0.0" if careful else "1.0.1"}
    assert (REASON in said) == (not careful)


@pytest.mark.parametrize("client", JAVASCRIPT)
@pytest.mark.parametrize(("package", "wanted", "version"), [("mk_lib", "1.1.0", "1.1.0"), ("mk_only", "^1.0.0", "1.0.0")])
def test_javascript_clients_install_what_is_unlisted_if_it_is_pinned_or_alone_and_show_the_reason(
    client, package, wanted, version, developer
):
    one = developer(client, **{package: wanted})
    said = one.install()
    assert one.installed() == {package.replace("_", "-"): version}
    # yarn 4 tells of deprecations on demand only: `yarn npm audit`, which needs a registry that answers.
    assert (REASON in said) == (client != "yarn-berry")


@pytest.mark.parametrize("client", JAVASCRIPT)
@pytest.mark.parametrize(("package", "wanted"), [("mk_bad", "1.1.0"), ("mk_gone", "^1.0.0")])
def test_javascript_clients_do_not_find_what_is_quarantined(client, package, wanted, developer):
    one = developer(client, **{package: wanted})
    said = one.install(expect=1)
    assert re.search(r"No matching version|E404|_404|Couldn't find (?:any versions|package)|No candidates|Package not found", said)
    assert one.installed() == {}


@pytest.mark.parametrize("client", JAVASCRIPT)
def test_a_lock_file_does_not_bring_back_what_is_quarantined(client, npm, developer, tmp_path):
    """It was locked before; its file is gone, and a cache gives it for ten minutes at most."""
    one = developer(client, mk_lib="1.1.0")
    one.install()
    ci = one.clone(tmp_path / "ci")
    file = npm[0].feeds / "approved-npm/mk-lib/-/mk-lib-1.1.0.tgz"
    away = file.rename(tmp_path / "quarantined")
    try:
        said = ci.install_frozen(expect=1)
    finally:
        away.rename(file)
    assert "404" in said
    assert ci.installed() == {}


@pytest.mark.parametrize("client", JAVASCRIPT)
def test_javascript_clients_show_a_deprecation(client, developer):
    one = developer(client, mk_old="1.1.0")
    said = one.install()
    assert one.installed() == {"mk-old": "1.1.0"}
    assert (DEPRECATED in said) == (client != "yarn-berry")


@pytest.mark.client("npm")
def test_npm_view_shows_why(developer):
    said = developer("npm").run("view", "mk-lib@1.1.0")
    assert "DEPRECATED" in said
    assert REASON in said


# -------------------------------------------------------------------------------------------------------------- NuGet


@pytest.fixture(scope="module")
def nuget(tmp_path_factory) -> Iterator[tuple[Project, Nginx]]:
    yield from published(tmp_path_factory, "nuget")


@pytest.mark.client("nuget")
def test_nuget_hides_from_search_what_is_taken_back(nuget, tmp_path):
    said = NuGet(home=tmp_path, server=nuget[1]).search("mk")
    shown = [tuple(line.strip("> ").split(" | ")[:2]) for line in said.splitlines() if line.startswith(">")]
    assert shown == [("mk-bad", "1.0.0"), ("mk-lib", "1.0.0"), ("mk-mid", "1.1.0"), ("mk-old", "1.1.0")]


@pytest.mark.client("nuget")
def test_nuget_restores_an_exact_pin_of_what_is_unlisted_or_deprecated(nuget, tmp_path):
    client = NuGet(home=tmp_path, server=nuget[1])
    said = client.restore(("mk-lib", "1.1.0"), ("mk-only", "1.0.0"), ("mk-old", "1.1.0"))
    assert client.installed() == ["mk-lib.1.1.0.nupkg", "mk-old.1.1.0.nupkg", "mk-only.1.0.0.nupkg"]
    assert "Slow" not in said, "nuget.exe has begun to tell of deprecations: so should the README"


@pytest.mark.client("nuget")
def test_nuget_install_without_a_version_takes_the_newest_even_if_it_is_unlisted(nuget, tmp_path):
    """nuget.exe 5.8 reads `listed: false` and passes over it: https://github.com/NuGet/Home/issues/7466."""
    client = NuGet(home=tmp_path, server=nuget[1])
    client.install("mk-lib")
    assert client.installed() == ["mk-lib.1.1.0.nupkg"]


@pytest.mark.client("nuget")
def test_nuget_does_not_find_what_is_quarantined(nuget, tmp_path):
    client = NuGet(home=tmp_path, server=nuget[1])
    assert "Package 'mk-bad 1.1.0' is not found" in client.install("mk-bad", "-Version", "1.1.0", expect=1)
    assert "Unable to find version '1.1.0' of package 'mk-bad'" in client.restore(("mk-bad", "1.1.0"), expect=1)
    assert client.installed() == []


# --------------------------------------------------------------------------------------------------------- everybody


@pytest.mark.parametrize(
    ("kind", "files", "pages"),
    [
        ("npm", ["mk-bad/-/mk-bad-1.1.0.tgz", "mk-gone/-/mk-gone-1.0.0.tgz"], ["mk-gone", "mk-gone/"]),
        (
            "nuget",
            ["v3/flatcontainer/mk-bad/1.1.0/mk-bad.1.1.0.nupkg", "v3/flatcontainer/mk-bad/1.1.0/mk-bad.nuspec"],
            ["v3/registration/mk-bad/1.1.0.json", "v3/registration/mk-gone/index.json", "v3/flatcontainer/mk-gone/index.json"],
        ),
        (
            "pypi",
            ["files/mk-bad/1.1/mk_bad-1.1.0-py3-none-any.whl", "files/mk-bad/1.1/mk_bad-1.1.0-py3-none-any.whl.metadata"],
            ["simple/mk-gone/"],
        ),
    ],
)
def test_what_is_quarantined_is_gone_as_a_file_and_from_every_page(kind, files, pages, request):
    project, server = request.getfixturevalue(kind)
    for path in (*files, *pages):
        assert server.ask("GET", f"/approved-{kind}/{path}").status == 404, path
        assert server.ask("GET", f"/approved-{kind}/{path}", {"Accept": SIMPLE_JSON}).status == 404, path
    said = b"".join(path.read_bytes() for path in served_pages(project))
    assert b"mk-mid" in said
    assert MALWARE.encode() not in said
    assert not re.search(rb"mk.gone|mk.bad[-/.@]+1\.1", said)
    kept = project.folder / f".feeds/state/feeds/approved-{kind}/quarantine" / files[0]
    assert kept.read_bytes() == MAKE[kind]("mk-bad", "1.1.0")[1]


def served_pages(project: Project) -> list[Path]:
    return [path for path in project.feeds.rglob("*") if path.suffix in {".json", ".html"}]
