from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.layout import name_of, path_of, place_of

FILES = "files/{package}/{version}/{file}"
TARBALLS = "{package}/-/{basename}-{version}.tgz"

SEGMENTS = st.text(alphabet="ab-.1", min_size=1, max_size=8)
NAMES = SEGMENTS | st.builds("@{}/{}".format, SEGMENTS, SEGMENTS)


@pytest.mark.parametrize(
    ("layout", "package", "file", "path"),
    [
        (FILES, "foo", "foo-1.0.whl", "files/foo/1.0/foo-1.0.whl"),
        (FILES, "foo", "foo-1.0.whl.metadata", "files/foo/1.0/foo-1.0.whl.metadata"),
        (TARBALLS, "foo", "foo-1.0.tgz", "foo/-/foo-1.0.tgz"),
        (TARBALLS, "@a/foo", "foo-1.0.tgz", "@a/foo/-/foo-1.0.tgz"),
        (TARBALLS, "@a/foo", "foo-1.0.tgz.attestations", "@a/foo/-/foo-1.0.tgz.attestations"),
        ("{package}.{version}.x", "foo", "foo.1.0.x", "foo.1.0.x"),
    ],
)
def test_a_file_lies_where_the_layout_says(layout, package, file, path):
    assert path_of(layout, package=package, version="1.0", file=file) == path


def test_a_file_is_called_what_the_template_says():
    place = {"package": "@a/foo", "version": "1.0", "file": "a-foo-1.0.tgz"}
    assert name_of("{basename}-{version}.tgz", **place) == "foo-1.0.tgz"
    assert name_of("{file}", **place) == "a-foo-1.0.tgz"


@pytest.mark.parametrize(
    ("layout", "path", "place"),
    [
        (FILES, "files/a/b/1/x.whl", ("a/b", "1", "x.whl")),
        (FILES, "files/a/x.whl", None),
        (FILES, "elsewhere/a/1/x.whl", None),
        (TARBALLS, "a/-/a-1.0.0-rc.1.tgz", ("a", "1.0.0-rc.1", "a-1.0.0-rc.1.tgz")),
        (TARBALLS, "a-b/-/a-b-1.0.0.tgz", ("a-b", "1.0.0", "a-b-1.0.0.tgz")),
        (TARBALLS, "@s/a/-/a-1.0.0.tgz", ("@s/a", "1.0.0", "a-1.0.0.tgz")),
        (TARBALLS, "@s/a/-/s-a-1.0.0.tgz", None),
        (TARBALLS, "a/-/b-1.0.0.tgz", None),
        (TARBALLS, "a/-/a-1.0.0.tgz.attestations", None),
        (TARBALLS, "a/index.json", None),
        ("{package}/{version}/{package}.{version}", "a/1/a.1", ("a", "1", "a.1")),
        ("{package}/{version}/{package}.{version}", "a/1/b.1", None),
        ("[{package}]/{version}/{file}", "[a]/1/x", ("a", "1", "x")),
    ],
)
def test_a_path_says_what_lies_there(layout, path, place):
    assert place_of(layout, path) == place


@given(layout=st.sampled_from([FILES, TARBALLS]), package=NAMES, version=SEGMENTS, other=SEGMENTS)
def test_what_is_read_back_is_filled_in_to_the_same_path(layout, package, version, other):
    file = name_of("{basename}-{version}.tgz", package=package, version=version, file=other)
    path = path_of(layout, package=package, version=version, file=file)
    found = place_of(layout, path)
    assert found is not None
    assert path_of(layout, **found._asdict()) == path
