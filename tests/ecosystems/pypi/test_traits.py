"""What rules ask of wheels and sdists: license, and what runs when they are installed or Python starts."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping

import pytest

from reconciler.ecosystems.licenses import MAX_DECLARED
from reconciler.ecosystems.pypi.archive import inspect
from reconciler.ecosystems.pypi.traits import MAX_READ_BYTES, MAX_SCRIPTS
from reconciler.model.packages import License, Traits
from tests.ecosystems.test_licenses import ISC, MIT, installed
from tests.support.wheels import core_metadata, regular, sdist, special, tar_gz_of, wheel, zip_of

BSD3 = installed("click", "LICENSE.txt")
BSD = ("Classifier: License :: OSI Approved :: BSD License",)
INFO = "sample-1.0.dist-info"
LEGACY = b"[build-system]\nrequires = []\n"


def of_wheel(*fields: str, **files: bytes) -> Traits:
    """The traits of a wheel with these lines in METADATA, and these files."""
    metadata = core_metadata("sample", "1.0", license_expression=None, fields=fields)
    return inspect("sample-1.0-py3-none-any.whl", io.BytesIO(wheel("sample", "1.0", metadata=metadata, extra=files))).traits


def of_sdist(*fields: str, suffix: str = ".tar.gz", project: bytes | None = None, **files: bytes) -> Traits:
    """The traits of an sdist with these lines in PKG-INFO, and these files below its folder."""
    inner = {"PKG-INFO": core_metadata("sample", "1.0", license_expression=None, fields=fields), **files}
    inner |= {"pyproject.toml": project} if project is not None else {}
    entries = [(f"sample-1.0/{path}", data) for path, data in inner.items()]
    data = zip_of(entries) if suffix == ".zip" else tar_gz_of(regular(path, content) for path, content in entries)
    return inspect(f"sample-1.0{suffix}", io.BytesIO(data)).traits


def test_wheels_and_sdists_say_which_license_they_have():
    for data, name in ((wheel("sample", "1.0"), "sample-1.0-py3-none-any.whl"), (sdist("sample", "1.0"), "sample-1.0.tar.gz")):
        assert inspect(name, io.BytesIO(data)).traits.license == License(declared="MIT", concluded="MIT")
    assert of_wheel("License: MIT", "Classifier: License :: OSI Approved :: MIT License").license == License(
        declared="MIT", concluded="MIT"
    )
    assert of_wheel("License: MIT", "Classifier: License :: OSI Approved :: GNU General Public License (GPL)").license.concluded == ""
    assert of_wheel().license == License()


def test_a_declared_text_is_cut_and_read_as_a_whole():
    lines = MIT.decode().replace("\n", "\n        ")
    found = of_wheel(f"License: {lines}").license
    assert (len(found.declared), found.concluded) == (MAX_DECLARED, "MIT")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({f"{INFO}/LICENSE": BSD3}, "BSD-3-Clause"),
        ({f"{INFO}/licenses/COPYING.txt": BSD3}, "BSD-3-Clause"),
        ({f"{INFO}/Licenses/Licence.md": BSD3}, "BSD-3-Clause"),
        ({f"{INFO}/LICENSE": BSD3, f"{INFO}/licenses/LICENSE": BSD3}, ""),
        ({f"{INFO}/LICENSE": BSD3, f"{INFO}/COPYING": ISC}, ""),
        ({f"{INFO}/LICENSE": BSD3, f"{INFO}/license": BSD3}, ""),
        ({f"{INFO}/LICENSE": MIT}, ""),
        ({f"{INFO}/LICENSE": b"\xff\xfe\xd8"}, ""),
        ({f"{INFO}/LICENSE": BSD3 + b" " * MAX_READ_BYTES}, ""),
        ({f"{INFO}/licenses/vendored/LICENSE": BSD3}, ""),
        ({"LICENSE": BSD3, "sample/LICENSE": BSD3}, ""),
        ({f"{INFO}/AUTHORS": BSD3}, ""),
        ({f"{INFO}/LICENSE/x": BSD3}, ""),
    ],
)
def test_the_one_license_file_of_a_wheel_decides_what_its_fields_leave_open(files, expected):
    assert of_wheel(*BSD, **files).license.concluded == expected


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"LICENSE": BSD3}, "BSD-3-Clause"),
        ({"licenses/LICENSE": BSD3}, "BSD-3-Clause"),
        ({"LICENSE": BSD3, "COPYING": BSD3}, ""),
        ({"LICENSE": BSD3 + b" " * MAX_READ_BYTES}, ""),
        ({"vendor/LICENSE": BSD3}, ""),
        ({"docs/LICENSE": BSD3}, ""),
    ],
)  # fmt: skip
def test_the_one_license_file_of_an_sdist_does_so_too(suffix, files, expected):
    assert of_sdist(*BSD, suffix=suffix, **files).license.concluded == expected


def test_license_files_of_an_sdist_are_those_of_its_own_folder_and_no_links():
    own = [
        regular("sample-1.0/PKG-INFO", core_metadata("sample", "1.0", license_expression=None, fields=BSD)),
        regular("sample-1.0/LICENSE", BSD3),
    ]

    def concluded(*more: tuple[tarfile.TarInfo, bytes]) -> str:
        return inspect("sample-1.0.tar.gz", io.BytesIO(tar_gz_of([*more, *own]))).traits.license.concluded

    assert concluded(*(regular(f"other{number}/LICENSE", MIT) for number in range(50))) == "BSD-3-Clause"
    assert concluded(special("sample-1.0/COPYING", tarfile.SYMTYPE, "LICENSE")) == ""
    assert concluded(regular("sample-1.0/LICENSE", MIT)) == "", "which of two counts, no reviewer would know"


def test_many_license_files_are_read_in_bounded_memory_and_time():
    entries = [(f"{INFO}/LICENSE{number}", b"x") for number in range(5_000)]
    began = time.process_time()
    assert of_wheel(*BSD, **dict(entries)).license.concluded == ""
    assert time.process_time() - began < 10


PREFIX = "sample-1.0.data/data"

# --- what runs ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ()),
        ({"sample.pth": b"import os"}, ("sample.pth",)),
        ({"sample.pth": b"../x"}, ("sample.pth",)),
        ({"b.pth": b"", "a.start": b""}, ("a.start", "b.pth")),
        ({"sample-1.0.data/purelib/x.pth": b"", "sample-1.0.data/platlib/y.pth": b""}, ("sample-1.0.data/platlib/y.pth", "sample-1.0.data/purelib/x.pth")),
        ({"sitecustomize.py": b"", "usercustomize/__init__.py": b""}, ("sitecustomize.py", "usercustomize/__init__.py")),
        ({"sample-1.0.data/purelib/sitecustomize.cpython-311-x86_64-linux-gnu.so": b""}, ("sample-1.0.data/purelib/sitecustomize.cpython-311-x86_64-linux-gnu.so",)),
        ({"./x.pth": b""}, ("x.pth",)),
        ({f"{PREFIX}/lib/python3.11/site-packages/x.pth": b""}, (f"{PREFIX}/lib/python3.11/site-packages/x.pth",)),
        ({f"{PREFIX}/Lib/Site-Packages/x.start": b""}, (f"{PREFIX}/Lib/Site-Packages/x.start",)),
        ({f"{PREFIX}/x.pth": b""}, (f"{PREFIX}/x.pth",)),  # under Windows
        ({f"{PREFIX}/lib/python3.13t/sitecustomize.py": b""}, (f"{PREFIX}/lib/python3.13t/sitecustomize.py",)),
        ({f"{PREFIX}/local/lib/python3/dist-packages/usercustomize/__init__.py": b""}, (f"{PREFIX}/local/lib/python3/dist-packages/usercustomize/__init__.py",)),
        ({f"{PREFIX}/share/models/x.pth": b"", f"{PREFIX}/lib/site-packages/sample/x.pth": b"", f"{PREFIX}/site-packages": b"", "sample-1.0.data/x": b""}, ()),
        ({"sample/x.pth": b"", "sample-1.0.data/include/x.pth": b"", "sample-1.0.data/scripts/x.pth": b"", "x.pth.txt": b"", "sample/sitecustomize.py": b""}, ()),
        ({"setup.py": b"", "pyproject.toml": b""}, ()),
        ({f"{number:03}.pth": b"" for number in range(200)}, tuple(f"{number:03}.pth" for number in range(MAX_SCRIPTS))),
        ({"x" * 1_000 + ".pth": b""}, ("x" * 300,)),
    ],
)  # fmt: skip
def test_what_a_wheel_runs_at_every_start_of_python_is_named(files: Mapping[str, bytes], expected):
    assert of_wheel(**files).install_scripts == expected


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
@pytest.mark.parametrize(
    ("project", "files", "expected"),
    [
        (None, {}, ("setup.py",)),
        (None, {"setup.py": b""}, ("setup.py",)),
        (b'[build-system]\nbuild-backend = "hatchling.build"\n', {}, ("build backend hatchling.build",)),
        (b"[build-system]\n  build-backend='flit_core.buildapi'  # x\n", {"setup.py": b""}, ("build backend flit_core.buildapi",)),
        (b'[build-system]\nbuild-backend = "setuptools.build_meta"', {"setup.py": b""}, ("build backend setuptools.build_meta", "setup.py")),
        (b'[build-system]\nbuild-backend = "setuptools.build_meta"', {}, ("build backend setuptools.build_meta",)),
        (LEGACY, {"setup.py": b""}, ("build backend as pyproject.toml says", "setup.py")),
        (LEGACY, {"sub/setup.py": b""}, ("build backend as pyproject.toml says",)),
        (b'build-backend = "a"\nbuild-backend = "b"\n', {}, ("build backend as pyproject.toml says",)),
        (b'build-backend = "\x1b[2J"\n', {}, ("build backend as pyproject.toml says",)),
        (b'build-backend = "' + b"x" * 1_000 + b'"\n', {}, ("build backend as pyproject.toml says",)),
        (b"\xff\xfe\0", {}, ("build backend as pyproject.toml says",)),
        (b'build-backend = "a"\n#' + b"x" * MAX_READ_BYTES, {}, ("build backend as pyproject.toml says",)),
        (b"a" + b".a" * 30_000 + b"=1\n" + b"x = " + b"[" * 500, {}, ("build backend as pyproject.toml says",)),
    ],
)  # fmt: skip
def test_what_builds_an_sdist_is_named(suffix, project, files, expected):
    assert of_sdist(suffix=suffix, project=project, **files).install_scripts == expected


def test_an_archive_does_not_vouch_for_itself():
    assert of_wheel(**{f"{INFO}/x.provenance": b"", f"{INFO}/RECORD.jws": b""}).provenance == ()
    assert of_wheel().frameworks == ()
