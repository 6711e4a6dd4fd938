"""A folder of npm packages: `npm pack` and registries call the file of a scoped package differently."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotThere
from reconciler.observe.upstreams import FolderUpstream
from tests.support.tarballs import tarball


def upstream(folder: Path) -> FolderUpstream:
    return FolderUpstream("./packages", folder=folder, ecosystem=ECOSYSTEMS["npm"])


@pytest.mark.parametrize("file", ["scope-foo-1.0.0.tgz", "foo-1.0.0.tgz"])
def test_a_scoped_package_is_found_and_called_as_in_feeds(tmp_path, file):
    data = tarball("@scope/foo", "1.0.0")
    (tmp_path / file).write_bytes(data)
    (release,) = upstream(tmp_path).discover("@scope/foo").releases
    (found,) = release.files
    assert (found.name, found.size) == ("foo-1.0.0.tgz", len(data))
    sink = io.BytesIO()
    upstream(tmp_path).fetch(found, sink, max_bytes=10_000)
    assert sink.getvalue() == data


def test_a_package_is_only_found_by_its_own_name(tmp_path):
    (tmp_path / "scope-foo-1.0.0.tgz").write_bytes(tarball("@scope/foo", "1.0.0"))
    for name in ("foo", "scope-foo", "@other/foo", "@scope/Foo"):
        with pytest.raises(NotThere):
            upstream(tmp_path).discover(name)
