import re
import subprocess
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from reconciler.declare.revision import Repository
from reconciler.declare.signatures import signatures
from reconciler.errors import PreconditionFailed
from reconciler.model.events import Person
from reconciler.model.permissions import Line, SigningKey
from reconciler.model.words import CommitId
from tests.support.repositories import ADA, Repo, isolated_environment
from tests.support.signing import Key, commit_bytes, key_in, sign_tip, with_signature

GRACE = Person(name="Grace Hopper", email="grace@example.org")
UNBOUNDED = SigningKey(key="", fingerprint="", valid_from=None, valid_until=None, revoked=None, where=Line(path="", line=1))


def declared(key, **changed):
    return replace(UNBOUNDED, key=key.public, fingerprint=key.fingerprint, **changed)


@pytest.fixture
def repo(tmp_path):
    repo = Repo(tmp_path / "r")
    repo.commit({"feeds.yaml": "1"})
    return repo


def read(repo, *commits):
    repo.close()
    return Repository(repo.path).commits(commits)


def signers(repo, commits, *keys):
    """The fingerprints of those of these keys that signed these commits."""
    found = read(repo, *commits)
    return signatures(Repository(repo.path), found.values(), [declared(key) for key in keys])


def kind(repo, commit):
    return read(repo, commit)[commit].signature


# --- good signatures ----------------------------------------------------------------------------------------------------------


def git_commit(folder, key, *more):
    """A commit that git itself makes and signs."""
    config = {"user.name": "Ada", "user.email": "ada@example.org", "gpg.format": "ssh", "user.signingKey": str(key.file)}
    switches = [part for name, value in config.items() for part in ("-c", f"{name}={value}")]
    run = ["git", *switches, "commit", "--quiet", "--allow-empty", "-S", "-m", "Signed\n\nBody\n", *more]
    subprocess.run(run, cwd=folder, env=isolated_environment(), check=True, capture_output=True)


@pytest.mark.parametrize(
    ("type_", "bits"), [("ed25519", None), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048), ("rsa", 3072)]
)
def test_commits_that_git_signs_with_any_type_of_key(repo, keys, type_, bits):
    key = keys.make(f"{type_}-{bits}", type_, bits)
    repo.git("reset", "--quiet", "--hard")
    git_commit(repo.path, key)
    tip = repo.git("rev-parse", "HEAD")
    assert read(repo, tip)[tip].claimed_key == key.fingerprint
    assert signers(repo, [tip], key) == {tip: key.fingerprint}


def test_commits_that_git_signs_in_a_repository_with_longer_ids(tmp_path, keys):
    run = ["git", "init", "--quiet", "--object-format=sha256", "--initial-branch=main", tmp_path / "r"]
    subprocess.run(run, env=isolated_environment(), check=True)
    git_commit(tmp_path / "r", keys["ada"])
    repository = Repository(tmp_path / "r")
    tip = repository.resolve("HEAD")
    assert len(tip) == 64
    assert signatures(repository, repository.commits([tip]).values(), [declared(keys["ada"])]) == {tip: keys["ada"].fingerprint}


def test_every_commit_by_its_own_key_whoever_it_names_as_author(repo, keys):
    unsigned = repo.tip()
    repo.commit({"a": "1"}, by=ADA)
    first = sign_tip(repo, keys["grace"])
    repo.commit({"a": "2"}, by=GRACE)
    second = sign_tip(repo, keys["ada"])
    repo.commit({"a": "3"}, by=GRACE)
    foreign = sign_tip(repo, keys["mallory"])
    everything = [unsigned, first, second, foreign]
    found = {first: keys["grace"].fingerprint, second: keys["ada"].fingerprint}
    assert signers(repo, everything, keys["ada"], keys["grace"], keys["nobody"]) == found
    assert signers(repo, everything, keys["grace"]) == {first: keys["grace"].fingerprint}
    assert signers(repo, everything) == {}
    assert signers(repo, [], keys["ada"]) == {}
    assert [commit.signature for commit in read(repo, *everything).values()].count("ssh") == 3


def test_many_commits_by_several_keys(repo, keys):
    expected = {}
    for number in range(50):
        repo.commit({"a": str(number)})
        key = keys[("ada", "grace")[number % 3 == 0]]
        expected[sign_tip(repo, key)] = key.fingerprint
    assert signers(repo, expected, keys["ada"], keys["grace"]) == expected


def test_a_signed_merge_and_what_is_committed_on_top_of_it(repo, keys):
    repo.branch("side")
    repo.commit({"a": "1"}, on="side", by=ADA)
    inner = sign_tip(repo, keys["ada"], on="side")
    repo.commit({"b": "1"})
    repo.merge("side", by=GRACE)
    merge = sign_tip(repo, keys["grace"])
    top = repo.commit({"c": "1"})
    assert repo.git("ls-tree", "--name-only", top).split() == ["a", "b", "c", "feeds.yaml"]
    assert signers(repo, [inner, merge, top], keys["ada"], keys["grace"]) == {
        inner: keys["ada"].fingerprint,
        merge: keys["grace"].fingerprint,
    }


def test_neither_the_date_of_a_commit_nor_the_days_of_a_key_are_judged(repo, keys):
    repo.now = 946_684_800  # 2000-01-01
    repo.commit({"a": "1"})
    tip = sign_tip(repo, keys["ada"])
    found = read(repo, tip)
    assert found[tip].committed_at == datetime(2000, 1, 1, tzinfo=UTC)
    key = declared(keys["ada"], valid_from=date(2026, 1, 1), valid_until=date(2026, 1, 2), revoked=date(2026, 1, 1))
    assert signatures(Repository(repo.path), found.values(), [key]) == {tip: key.fingerprint}


def test_a_merge_of_a_signed_tag_is_signed_itself_or_not(repo, keys):
    """The tag's own signature stands in a header of the merge, and is none of it."""
    repo.branch("side")
    repo.commit({"a": "1"}, on="side")
    repo.merge("side")
    tag = b"mergetag object " + repo.tip("side").encode() + b"\n type commit\n tag v1\n tagger A <a@x.example> 1 +0000\n \n gpgsig v1\n "
    tag += keys["grace"].sign(b"the tag").rstrip().replace(b"\n", b"\n ")
    payload = commit_bytes(repo, repo.tip()).replace(b"\n\n", b"\n" + tag + b"\n\n", 1)
    unsigned = repo.rewrite_tip(payload)
    assert kind(repo, unsigned) == ""
    signed = sign_tip(repo, keys["ada"])
    assert signers(repo, [unsigned, signed], keys["ada"], keys["grace"]) == {signed: keys["ada"].fingerprint}


def test_in_the_hook_of_a_push_what_is_pushed_is_verified_before_it_is_kept(repo, keys, tmp_path, monkeypatch):
    """Its objects lie apart until the hook has agreed; git's environment says where."""
    repo.commit({"a": "1"})
    kept = sign_tip(repo, keys["ada"])
    apart = tmp_path / "apart"
    repo.git("clone", "--quiet", "--bare", repo.path, apart)
    run = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    payload = commit_bytes(repo, kept).replace(b"Change", b"Another change")
    payload = payload[: payload.index(b"gpgsig")] + payload[payload.index(b"\n\nAnother") + 1 :]
    data = with_signature(payload, keys["grace"].sign(payload))
    done = subprocess.run(run, cwd=apart, env=isolated_environment(), input=data, capture_output=True, check=True)
    pushed = CommitId(done.stdout.decode().strip())
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(apart / "objects"))
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(repo.git_dir / "objects"))
    repository = Repository(repo.path)
    found = signatures(repository, repository.commits([kept, pushed]).values(), [declared(keys["ada"]), declared(keys["grace"])])
    assert found == {kept: keys["ada"].fingerprint, pushed: keys["grace"].fingerprint}


@pytest.mark.parametrize("encoding", [b"ISO-8859-1", b"UTF-16", b"klingon"])
def test_the_encoding_of_a_commit_changes_nothing(repo, keys, encoding):
    repo.commit({"a": "1"}, message="J")
    payload = commit_bytes(repo, repo.tip()).replace(b"\n\nJ", b"\nencoding " + encoding + b"\n\nJ\xfcrgen\0\r\n")
    repo.rewrite_tip(payload)
    tip = sign_tip(repo, keys["ada"])
    assert signers(repo, [tip], keys["ada"]) == {tip: keys["ada"].fingerprint}


def test_a_worktree_and_clones_that_are_bare_partial_or_borrow_their_objects(repo, keys, tmp_path):
    repo.commit({"a": "1"})
    tip = sign_tip(repo, keys["ada"])
    repo.branch("other")
    repo.git("worktree", "add", "--quiet", tmp_path / "tree", "other")
    repo.git("clone", "--quiet", "--bare", repo.path, tmp_path / "bare.git")
    repo.git("clone", "--quiet", "--shared", repo.path, tmp_path / "shared")
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{repo.path}", tmp_path / "partial")
    for name in ("tree", "bare.git", "shared", "partial"):
        repository = Repository(tmp_path / name)
        found = signatures(repository, repository.commits([tip]).values(), [declared(keys["ada"])])
        assert found == {tip: keys["ada"].fingerprint}


# --- signatures that do not count ---------------------------------------------------------------------------------------------


@pytest.fixture
def payload(repo):
    """The bytes of an unsigned commit with two parents, the newest one."""
    repo.branch("side")
    repo.commit({"a": "1"}, on="side")
    repo.commit({"b": "1"})
    repo.merge("side", by=ADA)
    return commit_bytes(repo, repo.tip())


def lines_after(payload, start, line):
    """The commit with one more line after that which starts like this."""
    head, found, rest = payload.partition(start)
    assert found
    first, _, rest = rest.partition(b"\n")
    return head + found + first + b"\n" + line + b"\n" + rest


def test_a_signature_over_other_bytes(repo, keys, payload):
    tip = repo.rewrite_tip(with_signature(payload, keys["ada"].sign(payload + b"x")))
    assert read(repo, tip)[tip].claimed_key == keys["ada"].fingerprint
    assert signers(repo, [tip], keys["ada"]) == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"author Ada", b"author Eve"),
        (rb"Merge side", b"Merge side."),
        (rb" \+0000\n", b" +0100\n"),
        (rb"\nparent [0-9a-f]{40}\nauthor", b"\nauthor"),
        (rb"\ngpgsig", b"\nencoding latin-1\ngpgsig"),
    ],
)
def test_a_signature_moved_to_an_amended_commit(repo, keys, payload, old, new):
    amended, times = re.subn(old, new, with_signature(payload, keys["ada"].sign(payload)), count=1)
    assert times == 1
    tip = repo.rewrite_tip(amended)
    assert kind(repo, tip) == "ssh"
    assert signers(repo, [tip], keys["ada"]) == {}


def test_a_signature_in_another_namespace(repo, keys, payload):
    tip = sign_tip(repo, keys["ada"], namespace="file")
    assert kind(repo, tip) == "ssh"
    assert signers(repo, [tip], keys["ada"]) == {}


def test_a_signature_that_only_says_that_it_is_in_the_namespace_of_git(repo, keys, payload):
    armoured = keys["ada"].sign(payload, namespace="gut")
    data = b64decode(b"".join(armoured.split(b"\n")[1:-2])).replace(b"\0\0\0\3gut", b"\0\0\0\3git", 1)
    forged = b"-----BEGIN SSH SIGNATURE-----\n" + b64encode(data) + b"\n-----END SSH SIGNATURE-----\n"
    tip = repo.rewrite_tip(with_signature(payload, forged))
    assert read(repo, tip)[tip].claimed_key == keys["ada"].fingerprint
    assert signers(repo, [tip], keys["ada"]) == {}


def test_a_signature_that_names_the_key_of_somebody_else(repo, keys, payload):
    ada, mallory = (b64decode(keys[name].public.split()[1]) for name in ("ada", "mallory"))
    data = b64decode(b"".join(keys["mallory"].sign(payload).split(b"\n")[1:-2]))
    assert mallory in data
    forged = b"-----BEGIN SSH SIGNATURE-----\n" + b64encode(data.replace(mallory, ada)) + b"\n-----END SSH SIGNATURE-----\n"
    tip = repo.rewrite_tip(with_signature(payload, forged))
    assert read(repo, tip)[tip].claimed_key == keys["ada"].fingerprint
    assert signers(repo, [tip], keys["ada"], keys["mallory"]) == {}


def test_a_signature_by_a_certificate_of_a_declared_key(repo, keys, payload, tmp_path):
    """What a certificate says about a key is its maker's word, not that of the declaration; even if its maker is declared."""
    user = tmp_path / "user"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", user], check=True)
    holder = key_in(user)
    run = ["ssh-keygen", "-q", "-s", keys["ada"].file, "-I", "user", "-n", keys["ada"].fingerprint, f"{user}.pub"]
    subprocess.run(run, check=True, capture_output=True)
    user.rename(tmp_path / "user-cert")
    certified = Key(file=tmp_path / "user-cert", public="", fingerprint="")
    tip = repo.rewrite_tip(with_signature(payload, certified.sign(payload)))
    found = read(repo, tip)[tip]
    assert found.signature == "ssh"
    assert found.claimed_key not in {"", keys["ada"].fingerprint, holder.fingerprint}
    assert signers(repo, [tip], keys["ada"], holder) == {}


@pytest.mark.parametrize("left", [-2, -40, 100, 31, 29, 1])
def test_truncated_armour(repo, keys, payload, left):
    tip = repo.rewrite_tip(with_signature(payload, keys["ada"].sign(payload)[:left].rstrip(b"-")))
    assert signers(repo, [tip], keys["ada"]) == {}


def test_a_megabyte_of_armour(repo, keys, payload):
    begin, _, rest = keys["ada"].sign(payload).partition(b"\n")
    for size in (1 << 14, 1 << 20):
        tip = repo.rewrite_tip(with_signature(payload, begin + b"\n" + b"A" * size + b"\n" + rest))
        assert read(repo, tip)[tip].claimed_key == ""
        assert signers(repo, [tip], keys["ada"]) == {}
    spaces = begin + b"\n" + b"\n" * (1 << 14) + rest
    tip = repo.rewrite_tip(with_signature(payload, spaces))
    assert signers(repo, [tip], keys["ada"]) == {}


def test_a_message_that_is_longer_than_what_is_read_of_it(repo, keys):
    repo.commit({"a": "1"}, message="x" * (1 << 20))
    tip = sign_tip(repo, keys["ada"])
    assert kind(repo, tip) == "other"
    assert signers(repo, [tip], keys["ada"]) == {}


DATES = [b"18446744073709551615 +0000", b"99999999999 +0000", b"-1 +0000", b"now", b"", b"1 +00000", b"1 <a@x.example> 2", b"1 +0000 "]


@pytest.mark.parametrize("date_", DATES)
def test_a_date_that_git_cannot_read_does_not_hide_other_signatures(repo, keys, payload, date_):
    good = sign_tip(repo, keys["ada"])
    dated = re.sub(rb"\n(committer [^>]*>) [^\n]*", rb"\n\1 " + date_, payload)
    odd = repo.rewrite_tip(with_signature(dated, keys["ada"].sign(dated)))
    assert kind(repo, odd) == "other"
    assert signers(repo, [good, odd], keys["ada"]) == {good: keys["ada"].fingerprint}


@pytest.mark.parametrize("date_", [b"0 +0000", b"9999999999 -1200", b"1767225600 +9999"])
def test_odd_dates_that_git_reads(repo, keys, payload, date_):
    dated = re.sub(rb"\n(committer [^>]*>) [^\n]*", rb"\n\1 " + date_, payload)
    tip = repo.rewrite_tip(with_signature(dated, keys["ada"].sign(dated)))
    assert signers(repo, [tip], keys["ada"]) == {tip: keys["ada"].fingerprint}


def hidden(signed, header):
    """A commit that git verifies like the signed one, though it reads otherwise: the second parent is gone for every reader."""
    return lines_after(signed, b"parent ", header + b" x")


@pytest.mark.parametrize("header", [b"gpgsig-sha256", b"gpgsigx"])
def test_a_header_that_git_leaves_out_when_it_verifies_must_not_take_a_parent_away(repo, keys, payload, header):
    """git itself says G to this object, which has the signature of a merge and is none."""
    signed = with_signature(payload, keys["ada"].sign(payload))
    tip = repo.rewrite_tip(hidden(signed, header))
    (repo.path / "allowed").write_text(f"ada {keys['ada'].public}\n")
    config = ("-c", "gpg.ssh.allowedSignersFile=allowed")
    assert repo.git(*config, "log", "-1", "--format=%G?", tip) == "G"
    assert repo.git("rev-list", "--parents", "-1", tip).count(" ") == 1
    assert kind(repo, tip) == "other"
    assert signers(repo, [tip], keys["ada"]) == {}


def odd_headers(payload, ada, mallory):
    """Commit objects whose signature headers are not one, as git writes it; of each of them some key has signed the payload."""
    good = with_signature(payload, ada)
    header = good.partition(b"gpgsig ")[2].partition(b"\n\n")[0]
    yield "twice", with_signature(good, ada)
    yield "two people's", with_signature(good, mallory)
    yield "one more for other ids", with_signature(good, ada, header=b"gpgsig-sha256")
    yield "for other ids only", with_signature(payload, ada, header=b"gpgsig-sha256")
    yield "without a space", with_signature(payload, ada, header=b"gpgsigs")
    yield "before the tree", b"gpgsig " + header + b"\n" + payload
    yield "before the parents", lines_after(payload, b"tree ", b"gpgsig " + header)
    yield "before the author", lines_after(payload, payload.split(b"\n")[2], b"gpgsig " + header)
    yield "before the committer", lines_after(payload, b"author ", b"gpgsig " + header)
    yield "empty, and one more", with_signature(with_signature(payload, b""), ada)
    yield "below a zero byte", lines_after(payload, b"committer ", b"x \0").replace(b"\n\n", b"\ngpgsig " + header + b"\n\n", 1)
    yield "no message", good.partition(b"\n\n")[0]


@pytest.mark.parametrize("number", range(12))
def test_signatures_in_headers_that_are_not_as_git_writes_them(repo, keys, payload, number):
    name, data = list(odd_headers(payload, keys["ada"].sign(payload), keys["mallory"].sign(payload)))[number]
    tip = repo.rewrite_tip(data)
    assert kind(repo, tip) == "other", name
    assert signers(repo, [tip], keys["ada"], keys["mallory"]) == {}, name


def test_a_header_below_the_committer_may_stand_on_either_side_of_the_encoding(repo, keys, payload):
    """As other programs write it."""
    payload = lines_after(payload, b"committer ", b"encoding UTF-8")
    signature = with_signature(b"\n\n", keys["ada"].sign(payload)).strip(b"\n")
    tip = repo.rewrite_tip(lines_after(payload, b"committer ", signature))
    assert signers(repo, [tip], keys["ada"]) == {tip: keys["ada"].fingerprint}


def test_a_signature_in_the_message_is_text(repo, keys, payload):
    tip = repo.rewrite_tip(payload + b"\ngpgsig " + keys["ada"].sign(payload))
    assert kind(repo, tip) == ""
    assert signers(repo, [tip], keys["ada"]) == {}


@pytest.mark.parametrize(
    ("armoured", "expected"),
    [
        (b"-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----", "openpgp"),
        (b"-----BEGIN PGP MESSAGE-----\n\niQ==\n-----END PGP MESSAGE-----", "openpgp"),
        (b"-----BEGIN SIGNED MESSAGE-----\nMI==\n-----END SIGNED MESSAGE-----", "x509"),
        (b"something else", "other"),
        (b"", "other"),
    ],
)
def test_other_signatures_start_no_program(repo, keys, payload, armoured, expected, tmp_path, monkeypatch):
    for program in ("gpg", "gpg2", "gpgsm", "ssh-keygen"):
        trap(tmp_path / "bin" / program, tmp_path / "trace")
    tip = repo.rewrite_tip(with_signature(payload, armoured))
    public = [keys["ada"]]
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert kind(repo, tip) == expected
    assert signers(repo, [tip], *public) == {}
    assert not (tmp_path / "trace").exists()


# --- surroundings -------------------------------------------------------------------------------------------------------------


def trap(program, trace):
    """A program that leaves a trace, and says of every signature that it is good."""
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\necho \"$@\" >> '{trace}'\necho 'Good \"git\" signature for x with ED25519 key x'\n")
    program.chmod(0o755)
    return program


def odd_config(program, folder):
    (folder / "nobody").write_text("")
    return f"""\
[gpg]
\tformat = x509
\tprogram = {program}
\tminTrustLevel = ultimate
[gpg "ssh"]
\tprogram = {program}
\tallowedSignersFile = {folder / "nobody"}
\trevocationFile = {folder / "revoked"}
\tdefaultKeyCommand = {program}
[gpg "x509"]
\tprogram = {program}
[log]
\tshowSignature = true
\tdate = nonsense
\tmailmap = true
[i18n]
\tlogOutputEncoding = UTF-16
\tcommitEncoding = UTF-16
[format]
\tpretty = oneline
[core]
\tpager = {program}
\tfsmonitor = {program}
[color]
\tui = always
"""


@pytest.mark.parametrize("level", ["clone", "worktree", "user", "system", "environment"])
def test_no_configuration_changes_what_is_verified_or_names_the_program(repo, keys, tmp_path, monkeypatch, level):
    repo.commit({"a": "1"})
    good = sign_tip(repo, keys["ada"])
    repo.commit({"a": "2"})
    bad = repo.rewrite_tip(with_signature(commit_bytes(repo, repo.tip()), keys["ada"].sign(b"something else")))
    (tmp_path / "revoked").write_text(keys["ada"].public)
    config = odd_config(trap(tmp_path / "bin/program", tmp_path / "trace"), tmp_path)
    (tmp_path / "config").write_text(config)
    if level == "clone":
        with (repo.git_dir / "config").open("a") as file:
            file.write(config)
    elif level == "worktree":
        repo.git("config", "extensions.worktreeConfig", "true")
        (repo.git_dir / "config.worktree").write_text(config)
    elif level == "user":
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    elif level == "system":
        monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "config"))
    else:
        monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'include.path'='{tmp_path / 'config'}'")
    assert signers(repo, [good, bad], keys["ada"]) == {good: keys["ada"].fingerprint}
    assert not (tmp_path / "trace").exists()


def test_mailmap_and_replacements_have_no_effect(repo, keys):
    first = repo.tip()
    repo.commit({".mailmap": "Grace Hopper <grace@example.org> <ada@example.org>\n"}, by=ADA)
    signed = sign_tip(repo, keys["ada"])
    unsigned = repo.commit({"a": "1"})
    repo.git("reset", "--quiet", "--hard")
    repo.git("replace", unsigned, signed)
    assert repo.git("cat-file", "commit", unsigned).count("gpgsig") == 1
    repo.git("replace", signed, first)
    assert repo.git("cat-file", "commit", signed).count("gpgsig") == 0
    assert signers(repo, [signed, unsigned], keys["ada"]) == {signed: keys["ada"].fingerprint}


def test_a_key_that_ssh_keygen_cannot_read_does_not_hide_another_one(repo, keys):
    """A point that lies on no curve: told nowhere but by ssh-keygen, which then reads no further."""
    repo.commit({"a": "1"})
    tip = sign_tip(repo, keys["ada"])
    fields = (b"ecdsa-sha2-nistp256", b"nistp256", b"\x04" + b"\x01" * 64)
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    broken = replace(UNBOUNDED, key=f"ecdsa-sha2-nistp256 {b64encode(blob).decode()}", fingerprint="SHA256:broken")
    found = read(repo, tip).values()
    assert signatures(Repository(repo.path), found, [broken, declared(keys["ada"])]) == {tip: keys["ada"].fingerprint}


def test_where_nothing_verifies_signatures_a_declared_key_that_signed_is_an_error(repo, keys, tmp_path, monkeypatch):
    repo.commit({"a": "1"})
    tip = sign_tip(repo, keys["ada"])
    ada, nobody = keys["ada"], keys["nobody"]
    git = subprocess.run(["/bin/sh", "-c", "command -v git"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(PreconditionFailed, match="ssh-keygen, which verifies them, is not installed") as caught:
        signers(repo, [tip], ada)
    assert caught.value.remedy
    assert signers(repo, [tip]) == {}
    assert signers(repo, [tip], nobody) == {}


def test_an_ssh_keygen_that_is_too_old_is_an_error_and_no_missing_signature(repo, keys, tmp_path, monkeypatch):
    repo.commit({"a": "1"})
    tip = sign_tip(repo, keys["ada"])
    ada = keys["ada"]
    program = trap(tmp_path / "bin/ssh-keygen", tmp_path / "trace")
    program.write_text("#!/bin/sh\necho 'unknown option -- Y' >&2\necho 'usage: ssh-keygen [-q] [-b bits]' >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(PreconditionFailed, match="git cannot verify SSH signatures: ") as caught:
        signers(repo, [tip], ada)
    assert "OpenSSH 8.2" in caught.value.remedy


def test_a_commit_that_is_missing_is_an_error(repo, keys):
    repo.commit({"a": "1"})
    tip = sign_tip(repo, keys["ada"])
    found = read(repo, tip).values()
    (repo.git_dir / "objects" / tip[:2] / tip[2:]).unlink()
    with pytest.raises(PreconditionFailed, match="git cannot verify SSH signatures"):
        signatures(Repository(repo.path), found, [declared(keys["ada"])])
