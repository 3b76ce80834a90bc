"""Programs of this machine: found once, named with what they are for and how to get them."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import HostError

_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program we call, the Debian package that has it, and what we need it for."""

    name: str
    package: str
    reason: str

    def find(self) -> Path | None:
        """Its path, or None when this machine does not have it. `sbin` is searched for people who are not root too."""
        found = shutil.which(self.name, path=os.pathsep.join([os.environ.get("PATH", ""), _SYSTEM]))
        return Path(found) if found else None

    def require(self) -> Path:
        """Its path.

        Raises:
            HostError: `tool.missing`.
        """
        found = self.find()
        if found is None:
            raise HostError(
                "tool.missing", f"could not find {self.name}, which is needed to {self.reason}",
                hint=f"apt-get install {self.package}",
            )  # fmt: skip
        return found


def digest(path: Path) -> str:
    """`sha256:...` of a program's file, links followed."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


MMDEBSTRAP = Tool("mmdebstrap", "mmdebstrap", "bootstrap Debian")
DEPMOD = Tool("depmod", "kmod", "write modules.dep")
DPKG_DEB = Tool("dpkg-deb", "dpkg", "unpack Debian packages")
UNSHARE = Tool("unshare", "util-linux", "keep a build's mounts and processes together")
