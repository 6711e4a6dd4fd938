"""An ecosystem made up for tests of the declaration: names without case, versions of numbers.

A made-up one is needed so that these tests hold whatever ecosystems there are and show that reading a declaration asks for names and
versions only: whatever else is asked for fails. Names and versions are tested with the real ones in `tests/contracts/`.
"""

import re

from reconciler.decide.rules import review
from reconciler.declare.kinds import Kinds
from reconciler.model.words import PackageKey, Version, VersionKey
from tests.support.targeting import Sizes


class Numbers:
    """Names are compared in lower case with '_' as '-'; `1.0` and `1.00` are one version."""

    layout = "{package}/{version}/{file}"
    file_name = "{file}"
    file_suffixes = (".zip",)
    indexes = ()
    osv_ecosystem = "Numbers"
    targeting = Sizes()

    def normalize_name(self, name, /):
        if not re.fullmatch(r"(?=.*[A-Za-z0-9])[A-Za-z0-9@/_.-]{1,200}", name) or {"", ".", ".."} & set(name.split("/")):
            message = f"{name!r} is no name"
            raise ValueError(message)
        return PackageKey(name.lower().replace("_", "-"))

    def parse_version(self, text, /):
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)*", text):
            message = f"{text!r} is no version"
            raise ValueError(message)
        order = tuple(map(int, text.split(".")))
        return Version(key=VersionKey(".".join(map(str, order))), text=text, prerelease=False, order=order)

    def contains(self, version_range, version, /):
        return version_range in {"", version.key}

    def discover(self, get, index_url, name, /):
        raise NotImplementedError

    def inspect(self, filename, archive, /):
        raise NotImplementedError

    def render(self, view, /):
        raise NotImplementedError


ECOSYSTEMS = {"numbers": Numbers(), "letters": Numbers()}
KINDS = Kinds(ecosystems=ECOSYSTEMS, rules={"review": review.Params}, unmet=review.unmet, waivable={"review": review.waivable})
