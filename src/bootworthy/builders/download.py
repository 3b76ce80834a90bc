"""A file of the web, held against its digest while it comes."""

from __future__ import annotations

import os
from pathlib import Path

from bootworthy.catalog.entries import SourceArchive
from bootworthy.errors import IntegrityError
from bootworthy.host import files
from bootworthy.host.progress import QUIET, Progress
from bootworthy.host.settings import RegistrySettings
from bootworthy.oci.digest import Hasher
from bootworthy.oci.registry import problems
from bootworthy.oci.registry.address import Address, Plain
from bootworthy.oci.registry.backoff import Limits
from bootworthy.oci.registry.http import Ask, Http
from bootworthy.oci.registry.trust import Trust

_LARGEST = 2 << 30


def fetch(archive: SourceArchive, path: Path, settings: RegistrySettings, progress: Progress = QUIET) -> None:
    """Write the file at an address to `path`. Proxies, certificates and plain http are as for registries.

    Raises:
        IntegrityError: `source.wrong-digest`, `source.too-large`; nothing uses what was written then.
        NetworkError, NotFoundError, CredentialsError: `registry.*`, it cannot be had.
    """
    environ = dict(os.environ)
    http = Http(
        Plain.of(settings.insecure), Trust.of(settings.ca, environ), environ, progress=progress, limits=Limits()
    )
    address = http.plain.check(Address.parse(archive.url))
    with http.send(Ask("GET", address)) as reply:
        if reply.status != 200:
            raise problems.refusal(reply.status, reply.address, "", registry=reply.address.origin.authority)
        length = reply.headers.get("content-length", "")
        total = int(length) if length.isascii() and length.isdigit() else None
        hasher = Hasher()
        title = f"fetching {archive.url.rpartition('/')[2][:60]}"
        with progress.task(title, total) as task, files.writing(path), path.open("wb") as file:
            for piece in reply.stream():
                hasher.update(piece)
                if hasher.size > _LARGEST:
                    raise IntegrityError(
                        "source.too-large", f"more than {_LARGEST >> 30} GiB, which no source of a kernel has",
                        where=archive.url,
                    )  # fmt: skip
                file.write(piece)
                task.advance(len(piece))
    if hasher.digest != f"sha256:{archive.sha256}":
        raise IntegrityError(
            "source.wrong-digest", f"its {hasher.size} bytes have the digest {hasher.digest}, and the catalog says "
            f"sha256:{archive.sha256}", where=archive.url,
            hint="compare both with what the publisher says; if the archive was published anew, change the catalog",
        )  # fmt: skip
