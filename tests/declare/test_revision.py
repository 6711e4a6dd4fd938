import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.declare.load import problems_of
from reconciler.declare.revision import Repository, commit_files, git_user, working_tree
from reconciler.errors import NotFound, PreconditionFailed
from reconciler.model.events import PathChange, Person
from reconciler.model.words import BlobId
from tests.declare.ecosystems import KINDS
from tests.support.repositories import ADA, Repo, executable, isolated_environment, submodule, symlink

GRACE = Person(name="Grace Hopper", email="grace@example.org")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.fixture(autouse=True)
def isolation(monkeypatch, tmp_path):
    """git is run by the code under test with the user's environment: here, that of a user without any configuration."""
    for name in os.environ:
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Two commits on main, one more on a branch, a tag, and everything else that a clone may have."""
    with Repo(tmp_path_factory.mktemp("plain") / "two words, ünïcode $HOME") as repo:
        repo.commit({"feeds.yaml": "first\n", "README.md": "not declared", "sub/folder/x": ""})
        repo.commit({"feeds.yaml": "second\n", "approvals/approved/p/1.yaml": "a\n"})
        repo.branch("other")
        repo.commit({"feeds.yaml": "third\n"}, on="other")
    repo.git("-c", "user.name=x", "-c", "user.email=x@x", "tag", "-m", "annotated", "v1", "other")
    return repo


def contents(repository, ref="HEAD"):
    return {file.path: file.data for file in repository.tree(repository.resolve(ref))}


# --- opening ------------------------------------------------------------------------------------------------------------------


def test_a_folder_without_a_repository(tmp_path):
    with pytest.raises(PreconditionFailed, match="is not in a git repository") as caught:
        Repository(tmp_path)
    assert "git init" in caught.value.remedy


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(PreconditionFailed, match="is not in a git repository"):
        Repository(tmp_path / "nowhere")


def test_a_repository_without_commits(tmp_path):
    Repo(tmp_path / "empty").close()
    repository = Repository(tmp_path / "empty")
    with pytest.raises(PreconditionFailed, match="no commit yet"):
        repository.resolve("HEAD")
    with pytest.raises(NotFound, match="'main' names no commit"):
        repository.resolve("main")


def test_a_head_whose_commit_is_missing_is_no_empty_repository(tmp_path):
    with Repo(tmp_path / "broken") as repo:
        repo.commit({"feeds.yaml": ""})
    (repo.git_dir / "refs/heads/main").write_text("1" * 40 + "\n")
    with pytest.raises(PreconditionFailed, match=r"1{40} is missing") as caught:
        Repository(repo.path).resolve("HEAD")
    assert "fetch" in caught.value.remedy


@pytest.mark.parametrize("ref", ["HEAD", "main", "refs/heads/main", "HEAD~0", "@", "other^"])
def test_refs_that_name_the_newest_commit(plain, ref):
    assert Repository(plain.path).resolve(ref) == plain.tip()


def test_a_short_id_and_an_annotated_tag(plain):
    repository = Repository(plain.path)
    assert repository.resolve(plain.tip()[:10]) == plain.tip()
    assert repository.resolve("v1") == plain.tip("other")


@pytest.mark.parametrize(
    "ref",
    [
        "nobody",
        "",
        "-x",
        "--all",
        "--output=x",
        "^HEAD",
        "HEAD^",
        "main..other",
        "main...other",
        "HEAD:feeds.yaml",
        ":/x",
        "0" * 40,
        "a b",
        "@{1}",
    ],
)
def test_refs_that_name_no_commit(tmp_path, ref):
    with Repo(tmp_path / "r") as repo:
        repo.commit({"feeds.yaml": ""})
        repo.branch("other")
    with pytest.raises(NotFound, match="names no commit"):
        Repository(repo.path).resolve(ref)


def test_a_folder_inside_the_repository_and_a_link_to_it(plain, tmp_path):
    inside = plain.path / "sub/folder"
    inside.mkdir(parents=True, exist_ok=True)
    (tmp_path / "link").symlink_to(inside)
    for folder in (inside, tmp_path / "link"):
        repository = Repository(folder)
        assert repository.root == plain.path.resolve()
        assert contents(repository) == {"feeds.yaml": b"second\n", "approvals/approved/p/1.yaml": b"a\n"}
        assert [len(changes) for changes in repository.diffs([(plain.tip(), None)])] == [2]


def test_a_bare_repository(plain, tmp_path):
    plain.git("clone", "--quiet", "--bare", plain.path, tmp_path / "bare.git")
    repository = Repository(tmp_path / "bare.git")
    repository.require_full_history()
    assert contents(repository)["feeds.yaml"] == b"second\n"
    assert working_tree(repository.root) == ()


def test_a_worktree_reads_its_own_head(tmp_path):
    with Repo(tmp_path / "main") as repo:
        repo.commit({"feeds.yaml": "main"})
        repo.branch("other")
        repo.commit({"feeds.yaml": "other"}, on="other")
    repo.git("worktree", "add", "--quiet", tmp_path / "tree", "other")
    repository = Repository(tmp_path / "tree")
    assert repository.root == (tmp_path / "tree").resolve()
    assert contents(repository) == {"feeds.yaml": b"other"}
    assert contents(repository, "main") == {"feeds.yaml": b"main"}
    assert repository.chain(repository.resolve("HEAD")) == (repo.git("rev-parse", "main"), repo.git("rev-parse", "other"))


def test_a_repository_with_longer_ids(tmp_path):
    run(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    (tmp_path / "feeds.yaml").write_text("x")
    found = commit_files_as(ADA, tmp_path, ["feeds.yaml"])
    repository = Repository(tmp_path)
    assert len(found) == 64
    assert repository.resolve("HEAD") == found
    assert contents(repository) == {"feeds.yaml": b"x"}
    assert repository.commits([found])[found].author == ADA


def test_the_environment_of_a_hook_in_another_repository_does_not_count(plain, tmp_path, monkeypatch):
    with Repo(tmp_path / "hook") as other:
        other.commit({"feeds.yaml": "of the hook"})
    monkeypatch.setenv("GIT_DIR", str(other.git_dir))
    monkeypatch.setenv("GIT_WORK_TREE", str(plain.path.parent))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.git_dir / "index"))
    repository = Repository(plain.path)
    assert repository.root == plain.path.resolve()
    assert contents(repository)["feeds.yaml"] == b"second\n"
    assert len(next(repository.diffs([(plain.tip(), None)]))) == 2


def test_where_git_is_not_installed(tmp_path):
    code = "import reconciler.declare.revision"
    done = subprocess.run([sys.executable, "-c", code], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "reconciler.errors.PreconditionFailed: git is not installed"


# --- history that is cut off --------------------------------------------------------------------------------------------------


def test_a_full_clone_is_accepted(plain):
    Repository(plain.path).require_full_history()


def test_a_shallow_clone_is_refused_with_the_remedy(plain, tmp_path):
    plain.git("clone", "--quiet", "--depth=1", f"file://{plain.path}", tmp_path / "shallow")
    with pytest.raises(PreconditionFailed, match="shallow") as caught:
        Repository(tmp_path / "shallow").require_full_history()
    assert "git fetch --unshallow" in caught.value.remedy


def test_a_full_clone_that_was_made_shallow_is_refused_until_it_is_deepened(plain, tmp_path):
    clone = tmp_path / "clone"
    plain.git("clone", "--quiet", f"file://{plain.path}", clone)
    Repository(clone).require_full_history()
    run(clone, "fetch", "--quiet", "--depth=1")
    with pytest.raises(PreconditionFailed, match="shallow"):
        Repository(clone).require_full_history()
    run(clone, "fetch", "--quiet", "--unshallow")
    Repository(clone).require_full_history()


def test_a_clone_without_blobs_fetches_what_is_read(plain, tmp_path):
    plain.git("config", "uploadpack.allowFilter", "true")
    plain.git("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{plain.path}", tmp_path / "partial")
    repository = Repository(tmp_path / "partial")
    repository.require_full_history()
    assert contents(repository)["feeds.yaml"] == b"second\n"


# --- trees and differences ----------------------------------------------------------------------------------------------------


def test_files_keep_their_mode_and_odd_names(tmp_path):
    names = [
        'approvals/a "quoted"\\name',
        "approvals/new\nline",
        "approvals/tab\there",
        "approvals/-dash",
        "approvals/:(top)*",
        "approvals/ünïcode",
    ]
    with Repo(tmp_path / "r") as repo:
        repo.commit(dict.fromkeys(names, "x"))
        repo.commit(
            {
                b"approvals/\xff\xfe": b"\x00\r\n",
                b"approvals/link": symlink("../feeds.yaml"),
                b"feeds.yaml": executable("x"),
                b"policies/module": submodule("1" * 40),
            }
        )
    repository = Repository(repo.path)
    found = {file.path: (file.mode, file.data) for file in repository.tree(repo.tip())}
    odd = {
        "approvals/\\xff\\xfe": ("100644", b"\x00\r\n"),
        "approvals/link": ("120000", b"../feeds.yaml"),
        "feeds.yaml": ("100755", b"x"),
        "policies/module": ("160000", b""),
    }
    assert found == dict.fromkeys(names, ("100644", b"x")) | odd
    start = repository.chain(repo.tip())[0]
    first, second = repository.diffs([(start, None), (repo.tip(), start)])
    assert {change.path for change in first} == set(names)
    assert {change.path: change.mode for change in second} == {path: mode for path, (mode, _) in odd.items()}


def test_only_the_declaration_is_read(plain):
    assert sorted(contents(Repository(plain.path))) == ["approvals/approved/p/1.yaml", "feeds.yaml"]


def test_a_tree_without_a_declaration(tmp_path):
    with Repo(tmp_path / "r") as repo:
        repo.commit({"README.md": ""})
    repository = Repository(repo.path)
    assert repository.tree(repo.tip()) == ()
    assert list(repository.diffs([(repo.tip(), None)])) == [()]
    assert list(repository.diffs([])) == []


def test_differences_come_in_the_order_they_are_asked_for(tmp_path):
    with Repo(tmp_path / "r") as repo:
        first = repo.commit({"approvals/x": "1"})
        second = repo.commit({"README.md": "no change of the declaration"})
        third = repo.commit({"approvals/x": None, "approvals/y": executable("1")})
    one = BlobId("56a6051ca2b02b04ef92d5150c9ef600403cb1de")
    added = PathChange(path="approvals/x", before=None, after=one, mode="100644")
    removed = PathChange(path="approvals/x", before=one, after=None, mode="000000")
    moved = PathChange(path="approvals/y", before=None, after=one, mode="100755")
    repository = Repository(repo.path)
    asked = [(third, second), (first, None), (second, first), (third, first), (third, third)]
    assert list(repository.diffs(asked)) == [(removed, moved), (added,), (), (removed, moved), ()]


def test_a_link_or_submodule_declared_nothing(tmp_path):
    with Repo(tmp_path / "r") as repo:
        first = repo.commit(
            {"approvals/link": symlink("x"), "approvals/module": submodule("1" * 40), "approvals/gone": submodule("2" * 40)}
        )
        second = repo.commit({"approvals/link": "x", "approvals/module": submodule("3" * 40), "approvals/gone": None})
    changes = {c.path: c for c in next(Repository(repo.path).diffs([(second, first)]))}
    assert [change.before for change in changes.values()] == [None, None, None]
    assert changes["approvals/link"].mode == "100644"
    assert changes["approvals/module"].after == "3" * 40
    assert changes["approvals/gone"].after is None


def test_nothing_that_can_be_pushed_hides_a_change(tmp_path):
    hostile = {
        ".gitattributes": "approvals/** -diff filter=evil binary\n",
        ".mailmap": "Mallory <mallory@example.org> <ada@example.org>\n",
        ".gitmodules": '[submodule "m"]\n\tpath = approvals/m\n\turl = ./x\n\tignore = all\n',
        "approvals/.gitattributes": "* -diff\n",
        "approvals/m": submodule("1" * 40),
    }
    with Repo(tmp_path / "r") as repo:
        first = repo.commit(hostile | {"approvals/a": "1"})
        second = repo.commit({"approvals/a": "2", "approvals/m": submodule("2" * 40)})
    repo.git("reset", "--quiet", "--hard")
    repository = Repository(repo.path)
    assert [c.path for c in next(repository.diffs([(second, first)]))] == ["approvals/a", "approvals/m"]
    assert contents(repository)["approvals/a"] == b"2"
    assert repository.commits([second])[second].author == ADA


def test_replace_refs_and_grafts_are_not_followed(tmp_path):
    with Repo(tmp_path / "r") as repo:
        first = repo.commit({"feeds.yaml": "1"})
        second = repo.commit({"feeds.yaml": "2"})
        repo.commit({"feeds.yaml": "of the replacement"}, on="side", by=GRACE)
    repo.git("replace", second, repo.tip("side"))
    repo.git("update-ref", f"refs/replace/{repo.git('rev-parse', f'{first}:feeds.yaml')}", repo.git("rev-parse", "side:feeds.yaml"))
    (repo.git_dir / "info").mkdir(exist_ok=True)
    (repo.git_dir / "info/grafts").write_text(f"{second}\n")
    assert repo.git("log", "--format=%an", "main") == "Grace Hopper"
    repository = Repository(repo.path)
    assert repository.chain(second) == (first, second)
    assert repository.ancestry(second) == {second: (first,), first: ()}
    assert repository.commits([second])[second].author == ADA
    assert contents(repository, first) == {"feeds.yaml": b"1"}
    assert contents(repository, second) == {"feeds.yaml": b"2"}


HOSTILE_CONFIG = """\
[core]
\tpager = false
\tattributesFile = /nonexistent
\tabbrev = 4
[diff]
\texternal = false
\trenames = copies
\tignoreSubmodules = all
\torderFile = /nonexistent
[log]
\tshowSignature = true
\tshowRoot = false
[color]
\tui = always
"""


@pytest.mark.parametrize("config", [HOSTILE_CONFIG, "this is no configuration\n"], ids=["hostile", "broken"])
@pytest.mark.parametrize("level", ["user", "system", "environment", "alias"])
def test_no_configuration_but_the_repositorys_own_counts(plain, tmp_path, monkeypatch, level, config):
    (tmp_path / "config").write_text(config)
    if level == "user":
        (tmp_path / ".gitconfig").write_text(config)
    elif level == "system":
        monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "config"))
    elif level == "environment":
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "include.path")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path / "config"))
    else:
        monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'include.path'='{tmp_path / 'config'}'")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_PAGER", "false")
    repository = Repository(plain.path)
    chain = repository.chain(repository.resolve("HEAD"))
    assert [[c.path for c in changes] for changes in repository.diffs([(chain[0], None), (chain[1], chain[0])])] == [
        ["feeds.yaml"],
        ["approvals/approved/p/1.yaml", "feeds.yaml"],
    ]


def test_a_huge_file_is_read_only_as_far_as_needed_to_refuse_it(tmp_path):
    with Repo(tmp_path / "r") as repo:
        repo.commit({"approvals/approved/p/1.yaml": "#" * (5 << 20), "approvals/approved/p/2.yaml": "x", "feeds.yaml": "y"})
    repo.git("read-tree", "HEAD")
    repo.git("checkout-index", "--all")
    for files in (Repository(repo.path).tree(repo.tip()), working_tree(repo.path)):
        assert [len(file.data) for file in files] == [(1 << 20) + 1, 1, 1]
        assert any("1 MiB" in problem.expected for problem in problems_of(files, KINDS))


def test_a_missing_blob_is_an_error_and_no_empty_file(tmp_path):
    with Repo(tmp_path / "r") as repo:
        repo.commit({"feeds.yaml": "1", "approvals/x": "2"})
    unpack(repo)
    blob = repo.git("rev-parse", "HEAD:feeds.yaml")
    (repo.git_dir / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(PreconditionFailed, match=f"{blob} is missing or damaged"):
        Repository(repo.path).tree(repo.tip())


@pytest.mark.parametrize("kind", ["feeds.yaml", ""])
def test_a_damaged_object_is_an_error(tmp_path, kind):
    """The first object of a request, and the last one, whose damage no later answer can show."""
    with Repo(tmp_path / "r") as repo:
        repo.commit({"feeds.yaml": "".join(map(str, range(5000)))})
    unpack(repo)
    sha = repo.git("rev-parse", f"HEAD:{kind}")
    file = repo.git_dir / "objects" / sha[:2] / sha[2:]
    data = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(PreconditionFailed, match=r"damaged|cannot read the repository") as caught:
        Repository(repo.path).tree(repo.tip())
    assert caught.value.remedy


def test_a_missing_commit_in_the_middle_is_an_error(tmp_path):
    with Repo(tmp_path / "r") as repo:
        first = repo.commit({"feeds.yaml": "1"})
        repo.commit({"feeds.yaml": "2"})
    unpack(repo)
    (repo.git_dir / "objects" / first[:2] / first[2:]).unlink()
    repository = Repository(repo.path)
    with pytest.raises(PreconditionFailed, match="cannot read the repository"):
        repository.chain(repo.tip())
    with pytest.raises(PreconditionFailed, match="is missing"):
        repository.commits([first])


# --- commit objects -----------------------------------------------------------------------------------------------------------


def raw(*headers, message=b"Subject\n", tree=EMPTY_TREE):
    lines = [b"tree " + tree.encode(), *headers]
    names = {line.partition(b" ")[0] for line in headers}
    lines += [name + b" Ada Lovelace <ada@example.org> 1767225600 +0000" for name in (b"author", b"committer") if name not in names]
    return b"\n".join(lines) + b"\n\n" + message


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A repository whose only use is to hold odd commit objects; `read(bytes)` is the parsed commit."""
    with Repo(tmp_path_factory.mktemp("odd") / "r") as repo:
        repo.commit({"feeds.yaml": "1"})

    def read(data):
        sha = repo.raw_commit(data, on="odd")
        return Repository(repo.path).commits([sha])[sha]

    return read


@pytest.mark.parametrize(
    ("author", "person", "seconds"),
    [
        (b"Ada Lovelace <ada@example.org> 1767225600 +0200", ADA, 1767225600),
        (b" <ada@example.org> 1 +0000", Person(name="", email="ada@example.org"), 1),
        (b"<ada@example.org> 1 +0000", Person(name="", email="ada@example.org"), 1),
        (b"Ada <> 1 +0000", Person(name="Ada", email=""), 1),
        (b"  Ada   <  ada@example.org > 1 +0000", Person(name="Ada", email="ada@example.org"), 1),
        (b"Ada <ada@example.org> -86400 +0000", Person(name="Ada", email="ada@example.org"), -86400),
        (b"Ada <ada@example.org> 999999999999999 +0000", Person(name="Ada", email="ada@example.org"), 0),
        (b"Ada \xfc <ada@example.org> 1 +0000", Person(name="Ada �", email="ada@example.org"), 1),
        (b"Ada > Lovelace <ada@example.org> 1 +0000", Person(name="Ada > Lovelace", email="ada@example.org"), 1),
    ],
)
def test_identities(odd, author, person, seconds):
    found = odd(raw(b"author " + author))
    assert found.author == person
    assert found.authored_at.timestamp() == seconds
    assert found.committer == ADA


@pytest.mark.parametrize(
    "author",
    [
        b"Ada Lovelace",
        b"ada@example.org",
        b"Ada <ada@example.org>",
        b"Ada <ada@example.org> <mallory@example.org> 1 +0000",
        b"Ada <ada@example.org> 99999999999999999999 +0000",
        b"Ada <ada@example.org> 1 +0000 and more",
        b"Ada <ada@example.org> now +0000",
        b"",
    ],
)
def test_a_damaged_identity_names_nobody_at_the_epoch(odd, author):
    found = odd(raw(b"author " + author))
    assert found.author.email == ""
    assert found.authored_at == EPOCH


def test_a_commit_without_author_and_committer(odd):
    found = odd(b"tree " + EMPTY_TREE.encode() + b"\n\nSubject\n")
    assert found.author == found.committer == Person(name="", email="")


def test_the_encoding_that_a_commit_names(odd):
    header = "author J\xfcrgen <j\xfcrgen@example.org> 1 +0000".encode("latin-1")
    found = odd(raw(header, b"encoding ISO-8859-1", message="Sch\xf6n\n".encode("latin-1")))
    assert found.author == Person(name="Jürgen", email="jürgen@example.org")
    assert found.message == "Schön\n"


@pytest.mark.parametrize(
    "encoding", [b"klingon", b"undefined", b"idna", b"punycode", b"unicode_escape", b"base64", b"zlib", b"\xff", b"../x", b"", b"rot13"]
)
def test_an_encoding_that_is_none_reads_as_utf_8(odd, encoding):
    found = odd(raw("author Jürgen <j@example.org> 1 +0000".encode(), b"encoding " + encoding, message="Schön \\d\n".encode()))
    assert found.author.name == "Jürgen"
    assert found.message == "Schön \\d\n"


def test_a_signature_is_passed_over(odd):
    signature = (
        b"gpgsig -----BEGIN SSH SIGNATURE-----\n author Mallory <m@example.org> 1 +0000\n parent 1\n \n x\n -----END SSH SIGNATURE-----"
    )
    found = odd(raw(signature, message=b"Subject\n\nBody\n"))
    assert found.author == ADA
    assert found.parents == ()
    assert found.message == "Subject\n\nBody\n"


def test_the_first_of_two_authors_counts(odd):
    found = odd(raw(b"author Grace Hopper <grace@example.org> 1 +0000", b"author Mallory <m@example.org> 1 +0000"))
    assert found.author == GRACE


def test_a_parent_line_below_the_author_is_no_parent(odd):
    """git takes parents only from directly below the tree; a line further down must not make somebody else the author."""
    found = odd(raw(b"author Ada Lovelace <ada@example.org> 1 +0000", b"parent " + b"1" * 40))
    assert found.parents == ()


def test_a_message_ends_where_git_ends_it(odd):
    found = odd(raw(message=b"Subject\n\nFine.\0\n\nApproved-by: Grace Hopper <grace@example.org>\n"))
    assert found.message == "Subject\n\nFine."


def test_parents_and_times_of_a_merge(tmp_path):
    with Repo(tmp_path / "r", now=1_767_225_600) as repo:
        first = repo.commit({"feeds.yaml": "1"})
        repo.branch("a")
        second = repo.commit({"approvals/x": "1"}, on="a")
        merge = repo.merge("a", by=ADA, committer=GRACE, message="Merge a\n\nBody")
    repository = Repository(repo.path)
    found = repository.commits([merge, first])
    assert found[merge].parents == (first, second)
    assert (found[merge].author, found[merge].committer) == (ADA, GRACE)
    assert found[merge].committed_at == datetime(2026, 1, 1, 0, 2, tzinfo=UTC)
    assert found[first].parents == ()
    assert repository.commits([]) == {}
    assert repository.chain(merge) == (first, merge)
    assert list(repository.ancestry(merge)) == [merge, second, first]


# --- writing ------------------------------------------------------------------------------------------------------------------


def run(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, env=isolated_environment(), check=True, capture_output=True, text=True)
    return done.stdout.strip()


def unpack(repo):
    """Loose objects, so that a test can take one away."""
    packs = list((repo.git_dir / "objects/pack").glob("*.pack"))
    for pack in packs:
        moved = pack.rename(repo.path / pack.name)
        pack.with_suffix(".idx").unlink()
        with moved.open("rb") as file:
            subprocess.run(["git", "unpack-objects", "-q"], stdin=file, cwd=repo.path, env=isolated_environment(), check=True)


def configure(folder, person):
    config = folder / ".git/config"
    with config.open("a") as file:
        file.write(f"[user]\n\tname = {person.name}\n\temail = {person.email}\n\tuseConfigOnly = true\n")


def commit_files_as(person, folder, paths):
    configure(folder, person)
    return commit_files(folder, paths, "Approve\n\n# this line is no comment\n")


@pytest.fixture
def desk(tmp_path):
    """A checked-out repository with a file of the declaration and another one."""
    with Repo(tmp_path / "desk") as repo:
        repo.commit({"feeds.yaml": "1", "notes.txt": "1", "staged.txt": "1"})
    repo.git("reset", "--quiet", "--hard")
    return repo


def test_only_the_named_files_are_committed_and_staged_ones_stay_staged(desk):
    (desk.path / "staged.txt").write_text("2")
    desk.git("add", "staged.txt")
    (desk.path / "notes.txt").write_text("2")
    (desk.path / "feeds.yaml").write_text("2")
    (desk.path / "approvals").mkdir()
    (desk.path / "approvals/-new :(x)*.yaml").write_text("new")
    (desk.path / "approvals/-new :(x) as well.yaml").write_text("not named, though the other name would match it as a pattern")
    made = commit_files_as(GRACE, desk.path, ["approvals/-new :(x)*.yaml", "feeds.yaml"])
    assert made == desk.git("rev-parse", "HEAD")
    assert desk.git("show", "--format=%an <%ae>%n%B", "--name-only", made).split("\n") == [
        "Grace Hopper <grace@example.org>",
        "Approve",
        "",
        "# this line is no comment",
        "",
        "",
        "approvals/-new :(x)*.yaml",
        "feeds.yaml",
    ]
    assert desk.git("diff", "--cached", "--name-only") == "staged.txt"
    assert desk.git("diff", "--name-only") == "notes.txt"


def test_nobody_is_guessed_as_the_author(desk):
    desk.git("config", "user.useConfigOnly", "true")
    with pytest.raises(PreconditionFailed, match="git does not know who you are") as caught:
        git_user(desk.path)
    assert "git config user.name" in caught.value.remedy
    (desk.path / "feeds.yaml").write_text("2")
    with pytest.raises(PreconditionFailed, match="git does not know who you are"):
        commit_files(desk.path, ["feeds.yaml"], "Message")
    assert desk.git("diff", "--cached", "--name-only") == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [("1", "nothing"), (None, "did not match any files")],
    ids=["a file that has not changed", "a file that is not there"],
)
def test_what_git_will_not_commit(desk, content, told):
    configure(desk.path, ADA)
    name = "feeds.yaml" if content else "nowhere.yaml"
    with pytest.raises(PreconditionFailed, match=f"git would not commit: .*{told}") as caught:
        commit_files(desk.path, [name], "Message")
    assert caught.value.remedy == "the files are written; commit them yourself"


def test_ignored_files_are_told_without_gits_hints(desk):
    configure(desk.path, ADA)
    (desk.path / ".gitignore").write_text("approvals\n")
    (desk.path / "approvals").mkdir()
    (desk.path / "approvals/x").write_text("")
    with pytest.raises(PreconditionFailed) as caught:
        commit_files(desk.path, ["approvals/x"], "Message")
    assert str(caught.value) == "git would not commit: The following paths are ignored by one of your .gitignore files: approvals"


def test_the_users_hooks_are_run(desk):
    configure(desk.path, ADA)
    hook = desk.git_dir / "hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'the hook says no'\nexit 1\n")
    hook.chmod(0o755)
    (desk.path / "feeds.yaml").write_text("2")
    with pytest.raises(PreconditionFailed, match="git would not commit: the hook says no"):
        commit_files(desk.path, ["feeds.yaml"], "Message")


def test_the_named_repository_is_written_whatever_the_environment_names(desk, tmp_path, monkeypatch):
    with Repo(tmp_path / "hook") as other:
        before = other.commit({"feeds.yaml": "1"})
    configure(other.path, GRACE)
    configure(desk.path, ADA)
    monkeypatch.setenv("GIT_DIR", str(other.git_dir))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.git_dir / "index"))
    assert git_user(desk.path) == ADA
    (desk.path / "feeds.yaml").write_text("2")
    made = commit_files(desk.path, ["feeds.yaml"], "Message")
    assert desk.git("log", "-1", "--format=%H %ae") == f"{made} ada@example.org"
    assert desk.git("status", "--porcelain") == ""
    assert other.git("rev-parse", "HEAD") == before


def test_committing_in_a_worktree(desk, tmp_path):
    configure(desk.path, ADA)
    desk.git("worktree", "add", "--quiet", "-b", "side", tmp_path / "tree")
    (tmp_path / "tree/feeds.yaml").write_text("2")
    made = commit_files(Repository(tmp_path / "tree").root, ["feeds.yaml"], "Message")
    assert desk.git("rev-parse", "side") == made
    assert desk.git("rev-parse", "main") != made


def test_the_users_own_configuration_says_who_commits(desk, tmp_path, monkeypatch):
    (tmp_path / ".gitconfig").write_bytes('[user]\n\tname = Jürgen "the" Ω\n\temail = J@Example.org\n'.encode())
    assert git_user(desk.path) == Person(name="Jürgen the Ω", email="J@Example.org")
    (tmp_path / ".gitconfig").write_bytes(b"[user]\n\tname = J\xfcrgen\n\temail = j@example.org\n")
    assert git_user(desk.path) == Person(name="J�rgen", email="j@example.org")


# --- the working tree ---------------------------------------------------------------------------------------------------------


def test_the_working_tree_as_it_lies_there(tmp_path):
    for path in ("approvals/a/p", "policies", "elsewhere"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "approvals/a/p/1.yaml").write_text("1")
    (tmp_path / "approvals/a/link.yaml").symlink_to("p/1.yaml")
    (tmp_path / "approvals/a/folder").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "approvals/a/broken").symlink_to(b"\xff\xfe".decode(errors="surrogateescape"))
    Path(os.fsdecode(bytes(tmp_path / "approvals") + b"/\xff")).write_text("x")
    os.mkfifo(tmp_path / "approvals/fifo")
    (tmp_path / "elsewhere/2.yaml").write_text("not ours")
    (tmp_path / "README.md").write_text("not ours")
    found = working_tree(tmp_path)
    assert [(f.path, f.mode, f.data) for f in found] == [
        ("approvals/\\xff", "100644", b"x"),
        ("approvals/a/broken", "120000", b"\xff\xfe"),
        ("approvals/a/folder", "120000", bytes(tmp_path / "elsewhere")),
        ("approvals/a/link.yaml", "120000", b"p/1.yaml"),
        ("approvals/a/p/1.yaml", "100644", b"1"),
    ]
    assert {f.blob for f in found} == {""}


def test_a_folder_of_the_declaration_that_is_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/permissions.yaml").write_text("x")
    (tmp_path / "policies").symlink_to("elsewhere")
    (tmp_path / "feeds.yaml").symlink_to("nowhere")
    assert [(f.path, f.mode, f.data) for f in working_tree(tmp_path)] == [
        ("feeds.yaml", "120000", b"nowhere"),
        ("policies", "120000", b"elsewhere"),
    ]


def test_a_working_tree_without_a_declaration(tmp_path):
    assert working_tree(tmp_path) == ()


def test_a_commit_and_its_checkout_read_the_same(plain, tmp_path):
    shutil.copytree(plain.git_dir, tmp_path / "copy/.git")
    run(tmp_path / "copy", "reset", "--quiet", "--hard")
    repository = Repository(tmp_path / "copy")
    committed = {(f.path, f.mode, f.data) for f in repository.tree(repository.resolve("HEAD"))}
    assert {(f.path, f.mode, f.data) for f in working_tree(repository.root)} == committed
