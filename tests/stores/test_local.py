"""The folder store: links, modes, disks that refuse, and what killed writers leave."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.errors import Refused, StoreUnavailable
from reconciler.stores import open_store
from reconciler.stores.local import LEFTOVER_SECONDS, LocalStore

TEXT = "text/plain"
ROOT = Path(__file__).resolve().parents[2]


def every_operation(store):
    yield lambda: store.get("a/b")
    yield lambda: store.open("a/b")
    yield lambda: list(store.list(""))
    yield lambda: store.put("a/b", b"x", content_type=TEXT)
    yield lambda: store.put_if("a/b", b"x", content_type=TEXT, expected=None)
    yield lambda: store.delete("a/b")


@pytest.mark.parametrize("root", ["file", "file/below"])
def test_a_root_that_is_no_folder_is_an_error_and_never_empty(tmp_path, root):
    (tmp_path / "file").write_bytes(b"")
    for operation in every_operation(LocalStore(tmp_path / root)):
        with pytest.raises(StoreUnavailable, match=r"Not a directory|File exists"):
            operation()
    assert (tmp_path / "file").read_bytes() == b""


def run(program: str, *arguments: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=20, check=False)


READ_ONLY = """
import sys
from pathlib import Path
from reconciler.errors import StoreUnavailable
from reconciler.stores.local import LocalStore
try:
    LocalStore(Path(sys.argv[1])).put("a", b"x", content_type="text/plain")
except StoreUnavailable as error:
    print(error, error.remedy, sep="\\n")
"""


def test_a_read_only_folder_is_an_error_that_says_so(tmp_path):
    tmp_path.chmod(0o500)
    # Root writes wherever it likes; without this capability permissions bind it like everybody else.
    ordinary = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    done = run(READ_ONLY, str(tmp_path), before=ordinary)
    tmp_path.chmod(0o700)
    error, remedy = done.stdout.splitlines()
    assert "Permission denied" in error
    assert "read and write" in remedy
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from reconciler.errors import StoreUnavailable
from reconciler.stores.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
store.put("page", b"old", content_type="text/plain")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for write in (lambda: store.put("page", bytes(5000), content_type=""), lambda: store.put("new", bytes(5000), content_type="")):
    try:
        write()
    except StoreUnavailable as error:
        print(error)
"""


def test_a_disk_that_takes_no_more_leaves_the_old_object_and_no_new_one(tmp_path):
    done = run(FULL_DISK, str(tmp_path))
    assert done.stdout.count("File too large") == 2, done.stderr
    store = LocalStore(tmp_path)
    assert [(entry.key, entry.size) for entry in store.list("")] == [("page", 3)]
    assert list((tmp_path / ".tmp").iterdir()) == []


ENDLESS_WRITER = """
import sys
from pathlib import Path
from reconciler.stores.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
revision = None
for number in range(1_000_000):
    store.put(f"files/{number}", bytes([number % 256]) * 200_000, content_type="")
    revision = store.put_if("head", bytes([number % 256]) * 100_000, content_type="", expected=revision)
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_whole_objects_and_no_lock(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(5):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    store = LocalStore(tmp_path)
    listed = list(store.list(""))
    assert len(listed) > 5
    for entry in listed:
        found = store.get(entry.key)
        assert found is not None
        data = found.data
        assert len(data) == entry.size == (100_000 if entry.key == "head" else 200_000)
        assert len(set(data)) == 1
    head = store.get("head")
    assert head is not None
    store.put_if("head", b"next", content_type=TEXT, expected=head.revision)


def test_leftovers_go_once_they_are_old_and_their_writer_is_gone(tmp_path):
    folder = tmp_path / ".tmp"
    folder.mkdir()
    old, young, held = (folder / name for name in ("old", "young", "held"))
    for file in (old, young, held):
        file.write_bytes(b"half")
    for file in (old, held):
        os.utime(file, (0, file.stat().st_mtime - LEFTOVER_SECONDS - 10))
    with held.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        LocalStore(tmp_path).put("a", b"x", content_type=TEXT)
    assert sorted(folder.iterdir()) == [held, young]
    assert [entry.key for entry in LocalStore(tmp_path).list("")] == ["a"]


@pytest.mark.parametrize("link", ["a", "a/b", ".tmp"])
def test_a_symbolic_link_in_the_way_is_an_error_and_is_not_followed(tmp_path, link):
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    (outside / "b").write_bytes(b"secret")
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside / "b" if link == "a/b" else outside)
    store = LocalStore(root)
    with pytest.raises(StoreUnavailable, match="symbolic link"):
        store.put("a/b", b"x", content_type=TEXT)
    if link != ".tmp":
        for operation in every_operation(store):
            with pytest.raises(StoreUnavailable, match="symbolic link"):
                operation()
    assert [(file.name, file.read_bytes()) for file in outside.iterdir()] == [("b", b"secret")]


def test_a_link_for_the_lock_is_not_followed(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable):
        LocalStore(tmp_path / "root").put_if("a", b"x", content_type=TEXT, expected=None)
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_as_source_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(StoreUnavailable):
        LocalStore(tmp_path / "root").put("a", tmp_path / "link", content_type=TEXT)
    assert (tmp_path / "file").read_bytes() == b"x"


def test_what_is_neither_file_nor_folder_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "a")
    store = LocalStore(tmp_path)
    with pytest.raises(StoreUnavailable, match="neither"):
        store.get("a")
    with pytest.raises(StoreUnavailable, match="neither"):
        list(store.list(""))


def test_a_folder_in_place_of_an_object_and_the_reverse_are_errors_when_written(tmp_path):
    store = LocalStore(tmp_path)
    store.put("a/b", b"x", content_type=TEXT)
    with pytest.raises(StoreUnavailable, match="is a folder"):
        store.put("a", b"y", content_type=TEXT)
    with pytest.raises(StoreUnavailable, match="is a file"):
        store.put("a/b/c", b"y", content_type=TEXT)
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_names_that_are_no_keys_are_not_listed(tmp_path):
    store = LocalStore(tmp_path)
    store.put("a", b"x", content_type=TEXT)
    (tmp_path / ".DS_Store").write_bytes(b"")
    (tmp_path / "ä").write_bytes(b"")
    assert [entry.key for entry in store.list("")] == ["a"]


def test_a_key_that_is_too_long_is_an_error(tmp_path):
    with pytest.raises(StoreUnavailable, match="too long"):
        LocalStore(tmp_path).put("a" * 300, b"x", content_type=TEXT)


MODES = """
import os, sys
from pathlib import Path
from reconciler.stores.local import LocalStore
os.umask(int(sys.argv[2], 8))
root = Path(sys.argv[1])
private = root / "private"
private.touch(mode=0o600)
store = LocalStore(root / "store")
store.put("a/bytes", b"x", content_type="")
store.put("a/path", private, content_type="")
store.put_if("a/swapped", b"x", content_type="", expected=None)
for path in ("a", "a/bytes", "a/path", "a/swapped"):
    print(oct((root / "store" / path).stat().st_mode & 0o777))
"""


@pytest.mark.parametrize(("umask", "folder", "file"), [("022", "0o755", "0o644"), ("027", "0o750", "0o640")])
def test_modes_are_the_umasks_so_that_a_web_server_may_read(tmp_path, umask, folder, file):
    done = run(MODES, str(tmp_path), umask)
    assert done.stdout.split() == [folder, file, file, file], done.stderr


def test_a_path_from_another_file_system_is_copied(tmp_path):
    other = Path("/dev/shm")  # noqa: S108  # a file system of its own, where there is one
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    source = other / f"reconciler-test-{os.getpid()}"
    source.write_bytes(b"from afar")
    try:
        store = LocalStore(tmp_path)
        store.put("a", source, content_type=TEXT)
        assert (tmp_path / "a").read_bytes() == b"from afar"
        assert not source.exists()
    finally:
        source.unlink(missing_ok=True)
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_reading_makes_no_folder(tmp_path):
    store = LocalStore(tmp_path / "store")
    assert store.get("a") is None
    store.delete("a")
    assert list(store.list("a/")) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("location", ["./.feeds", ".feeds", "sub/../.feeds"])
def test_a_folder_is_opened_relative_to_the_repository(tmp_path, location):
    (tmp_path / "sub").mkdir()
    open_store(location, base=tmp_path).put("a", b"x", content_type=TEXT)
    assert (tmp_path / ".feeds/a").read_bytes() == b"x"


def test_an_absolute_folder_is_opened(tmp_path):
    open_store(str(tmp_path / "feeds"), base=Path("/nowhere")).put("a", b"x", content_type=TEXT)
    assert (tmp_path / "feeds/a").read_bytes() == b"x"


@pytest.mark.parametrize("location", ["s3://bucket/prefix", "GS://x", "file:///srv", "", "a\0b"])
def test_an_unknown_location_is_refused_with_what_is_supported(tmp_path, location):
    with pytest.raises(Refused, match="a folder"):
        open_store(location, base=tmp_path)
