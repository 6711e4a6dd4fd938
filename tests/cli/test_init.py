"""`init`: what it writes is a declaration in every combination, it never changes a file, and the first promotion is five commands away."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules, rule_files
from reconciler.declare.revision import working_tree
from reconciler.propose.scaffold.rules import NAMES_EXAMPLE
from tests.cli.beginning import ACCOUNT, ADA, shell

INSTALL = ("--install", "pip install reconciler")


def with_key(beginning, key, *, signs=True):
    config = f"{ADA}\tsigningkey = {key.file}.pub\n[gpg]\n\tformat = ssh\n[commit]\n\tgpgsign = {str(signs).lower()}\n"
    beginning.gitconfig.write_text(config, encoding="utf-8")


def with_remote(beginning, address):
    beginning.place.git("init", "-q", "-b", "main")
    beginning.place.git("remote", "add", "origin", address)


@pytest.mark.parametrize("reviews", ["claimed", "signed", "reviewed"])
@pytest.mark.parametrize("ci", ["", "github", "gitlab"])
@pytest.mark.parametrize("types", ["npm", "nuget", "pypi", "npm nuget pypi"])
def test_every_combination_is_well_formed(beginning, keys, types, ci, reviews):
    with_key(beginning, keys["ada"])
    with_remote(beginning, f"git@{ci or 'github'}.com:acme/approvals.git")
    chosen = [*(part for type_ in types.split() for part in ("--type", type_)), *(("--ci", ci, *INSTALL) if ci else ())]
    done = beginning.init(*chosen, "--reviews", reviews, "--schemas", *ACCOUNT)
    assert (done.code, done.err) == (0, "")
    assert beginning.place.run("check", "--working-tree").out.startswith(f"The declaration is well-formed: {2 * len(types.split())} feeds")
    beginning.place.commit("Declare")
    assert beginning.place.run("check").code == 0
    (review,) = [one for one in load_rules(rule_files(working_tree(beginning.place.root)), KINDS).policies if one.rule == "review"]
    assert review.params.min_assurance == reviews


def test_a_second_time_nothing_changes(beginning):
    arguments = ("--type", "nuget", "--ci", "github", "--schemas", *INSTALL)
    first = beginning.init(*arguments)
    before = beginning.texts()
    assert first.out.splitlines()[: len(before)] == [*dict.fromkeys(first.out.splitlines()[: len(before)])]
    assert set(first.out.splitlines()[: len(before)]) == set(before)
    again = beginning.init(*arguments)
    assert (again.code, again.out.splitlines()[0]) == (0, "All files are there already: nothing was written.")
    assert beginning.texts() == before


def test_a_file_that_says_something_else_stops_it_with_its_name(beginning):
    beginning.place.write("policies/age.yaml", "rule: age\nparams: {min_age: 1d}\n")
    beginning.place.write("CODEOWNERS", "* @me\n")
    before = beginning.texts()
    done = beginning.init("--type", "nuget", "--ci", "github", *INSTALL)
    assert done.code == 64
    assert "these files are there already, and say something else: policies/age.yaml, CODEOWNERS; nothing was written" in done.err
    assert "To do: move them away, or name another folder" in done.err
    assert beginning.texts() == before


def test_a_link_in_the_place_of_a_file_is_not_followed(beginning, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (beginning.place.root / "policies").symlink_to(tmp_path / "elsewhere")
    done = beginning.init("--type", "nuget")
    assert done.code == 64
    assert "a symbolic link stands in the path policies/permissions.yaml" in done.err
    assert not list((tmp_path / "elsewhere").iterdir())
    assert beginning.texts() == {}


def test_a_gitignore_that_has_the_line_may_have_others(beginning):
    beginning.place.write(".gitignore", "*.tmp\n")
    refused = beginning.init("--type", "nuget")
    assert "add the line /.feeds/ to .gitignore" in refused.err
    beginning.place.write(".gitignore", "*.tmp\n/.feeds/\n")
    assert beginning.init("--type", "nuget").code == 0
    assert (beginning.place.root / ".gitignore").read_text() == "*.tmp\n/.feeds/\n"


def test_the_git_user_administers_and_promotes_and_everybody_else_downloads(beginning):
    beginning.init("--type", "nuget")
    beginning.place.commit("Declare", by=("Mallory", "mallory@example.org"))
    promotion = ("promote-packages", "--from", "public-nuget", "--to", "approved-nuget")
    assert beginning.place.run("can", "ada", "administer").out.startswith("yes")
    assert beginning.place.run("can", "ada", *promotion).out.startswith("yes")
    assert not beginning.place.run("can", "everyone", *promotion).out.startswith("yes")
    assert beginning.place.run("can", "everyone", "view-and-download", "--feed", "approved-nuget").out.startswith("yes")
    assert not beginning.place.run("can", "everyone", "view-and-download", "--feed", "public-nuget").out.startswith("yes")


@pytest.mark.parametrize(
    ("config", "id_", "name"),
    [
        ('\tname = "Ada: #1 \\"x\\" y"\n\temail = Ada.L@Example.org\n', "Ada.L", 'Ada: #1 "x" y'),
        ("\tname = no\n\temail = everyone@example.org\n", "administrator", "no"),
        ("\tname = O'Hara, [x]\n\temail = o'hara+work@example.org\n", "o-hara-work", "O'Hara, [x]"),
        ("\tname = ada\n\temail = 4711+ada-l@users.noreply.github.com\n", "ada-l", "ada"),
    ],
)
def test_names_and_addresses_are_written_so_that_they_read_the_same(beginning, config, id_, name):
    beginning.gitconfig.write_text(f"[user]\n{config}", encoding="utf-8")
    assert beginning.init("--type", "nuget").err == ""
    users = load_rules(rule_files(working_tree(beginning.place.root)), KINDS).permissions.users
    assert {id_: user.name for id_, user in users.items()} == {id_: name}


def test_the_account_is_known_from_the_address_of_the_forge(beginning):
    beginning.gitconfig.write_text("[user]\n\tname = Ada\n\temail = 4711+ada-l@users.noreply.github.com\n", encoding="utf-8")
    assert beginning.init("--type", "nuget", "--ci", "github", "--reviews", "reviewed", "--project", "acme/approvals", *INSTALL).code == 0
    rules = load_rules(rule_files(working_tree(beginning.place.root)), KINDS)
    assert rules.permissions.users["ada-l"].github == 4711
    assert rules.forge is not None
    assert (rules.forge.url, rules.forge.project) == ("https://api.github.com", "acme/approvals")
    owners = (beginning.place.root / "CODEOWNERS").read_text().splitlines()
    assert [line for line in owners if not line.startswith("#")] == [
        f"{path} @ada-l" for path in ("/approvals/", "/feeds.yaml", "/policies/", "/.github/", "/CODEOWNERS")
    ]


def test_without_an_account_the_owners_are_an_example(beginning):
    beginning.init("--type", "nuget", "--ci", "gitlab", *INSTALL)
    owners = (beginning.place.root / "CODEOWNERS").read_text().splitlines()
    assert all(line.startswith("#") for line in owners)
    assert "# /policies/ @LOGIN" in owners


@pytest.mark.parametrize(
    ("arguments", "code", "message", "remedy"),
    [
        (("--reviews", "signed"), 3, "git here signs with no SSH key that can be read", "git config --global gpg.format ssh"),
        (("--reviews", "reviewed"), 64, "nobody knows where pull requests are reviewed", "--ci github|gitlab and --project OWNER/NAME"),
        (
            ("--reviews", "reviewed", "--ci", "gitlab", "--project", "acme/approvals", *INSTALL),
            *(64, "which account of gitlab is Ada Lovelace <ada@example.org>?", "say --account LOGIN:NUMBER"),
        ),
        (("--account", "ada"), 64, "--account 'ada' is none", ""),
        (("--project", "acme", "--ci", "github"), 64, "--project 'acme' is none", ""),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(beginning, arguments, code, message, remedy):
    done = beginning.init("--type", "nuget", *arguments)
    assert done.code == code
    assert message in done.err
    assert remedy in done.err
    assert beginning.texts() == {}


def test_nobody_known_to_git_is_no_administrator(beginning):
    beginning.gitconfig.write_text("[user]\n\tuseConfigOnly = true\n", encoding="utf-8")
    done = beginning.init("--type", "nuget")
    assert (done.code, beginning.texts()) == (3, {})
    assert "To do: run `git config user.name` and `git config user.email`" in done.err


def test_a_bare_repository_has_no_place_for_files(beginning):
    beginning.place.git("init", "-q", "--bare")
    before = beginning.texts()
    done = beginning.init("--type", "nuget")
    assert (done.code, "is a bare repository" in done.err, beginning.texts()) == (64, True, before)


def test_a_remote_at_another_forge_than_the_pipeline_is_for_is_not_taken(beginning):
    with_remote(beginning, "git@github.com:acme/approvals.git")
    arguments = ("--type", "nuget", "--ci", "gitlab", "--reviews", "reviewed", *ACCOUNT, *INSTALL)
    assert "nobody knows where pull requests are reviewed" in beginning.init(*arguments).err
    assert beginning.init(*arguments, "--project", "acme/other").code == 0
    assert (beginning.place.root / "policies/forge.yaml").read_text().endswith("type: gitlab\nproject: acme/other\n")


def test_it_lies_at_the_top_of_its_repository(beginning):
    beginning.place.git("init", "-q")
    done = beginning.init("below/there", "--type", "nuget")
    assert done.code == 64
    assert "lies inside the repository" in done.err
    assert not (beginning.place.root / "below").exists()


def test_a_folder_that_is_not_there_becomes_a_repository_with_the_branch_of_the_users_configuration(beginning):
    beginning.gitconfig.write_text(f"{ADA}[init]\n\tdefaultBranch = trunk\n", encoding="utf-8")
    assert beginning.init("deep/er", "--type", "nuget", "--ci", "github", *INSTALL).code == 0
    workflow = (beginning.place.root / "deep/er/.github/workflows/reconciler.yml").read_text()
    assert workflow.count("branches: [trunk]") == 2


def test_schemas_are_where_each_file_says_and_fit_it(beginning):
    beginning.init("--type", "nuget", "--schemas")
    for path in ("feeds.yaml", *(f"policies/{name}.yaml" for name in ("permissions", "licenses", "vulnerabilities", "age", "review"))):
        file = beginning.place.root / path
        first, _, text = file.read_text().partition("\n")
        assert first.startswith("# yaml-language-server: $schema=")
        schema = json.loads((file.parent / first.partition("=")[2]).read_text())
        jsonschema.validate(yaml.safe_load(text), schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"surprise": 1}, schema)


def test_schema_writes_the_same_files(beginning):
    beginning.init("--type", "nuget", "--schemas")
    written = {path: data for path, data in beginning.texts().items() if path.startswith(".schemas/")}
    done = beginning.place.run("schema", "--write", "again")
    assert sorted(done.out.splitlines()) == [path.replace(".schemas/", "again/") for path in written]
    assert {path.replace("again/", ".schemas/"): data for path, data in beginning.texts().items() if path.startswith("again/")} == written
    assert beginning.place.run("schema").code == 64
    assert beginning.place.run("schema", "feeds", "--write", "again").code == 64


def test_the_example_of_a_policy_about_names_counts_once_it_is_renamed(beginning):
    beginning.init("--type", "nuget")
    beginning.place.write("policies/names.yaml", NAMES_EXAMPLE)
    done = beginning.place.run("check", "--working-tree")
    assert done.out == "The declaration is well-formed: 2 feeds, 3 permissions, 0 approvals, 5 policies.\n"


@pytest.mark.parametrize("reviews", ["claimed", "signed"])
def test_from_nothing_to_the_first_promotion_in_five_commands_as_they_are_told(beginning, keys, reviews):
    with_key(beginning, keys["ada"], signs=False)
    told = beginning.init("--type", "pypi", "--reviews", reviews).out
    commands = [line.strip() for line in told.partition("Next:\n")[2].splitlines()]
    assert 1 + len(commands) <= 5
    beginning.offline()
    root, environment = beginning.place.root, beginning.environment(GIT_CONFIG_GLOBAL=str(beginning.gitconfig))
    commit, advisories, approve, apply = (command.replace("PACKAGE", "sample") for command in commands)
    early = shell("reconciler plan", root, environment)
    assert (early.code, early.err.splitlines()[1]) == (
        *(3, "To do: commit feeds.yaml, policies/ and approvals/; `reconciler init` writes what is not there"),
    )
    assert shell(commit, root, environment).code == 0
    early = shell(approve, root, environment)
    assert (early.code, "to do: `reconciler advisories update`" in early.out) == (5, True)
    for command in (advisories, approve, apply):
        done = shell(command, root, environment)
        assert (done.code, done.err) == (0, ""), command
    history = shell("reconciler history", root, environment).out
    assert f"by Ada Lovelace <ada@example.org> ({reviews})" in history
    assert "sample 1.0  public-pypi -> approved-pypi" in history
