"""Whom we believe to be a registry, and how we show who we are: certificates (the folders of containers-certs.d(5))."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bootworthy.errors import DocumentError, Problem
from bootworthy.oci.registry.address import Origin

Result = TypeVar("Result")
_SYSTEM = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))


@dataclass(frozen=True, slots=True)
class Trust:
    """Where certificates are looked for."""

    ca: Path | None = None
    """More authorities, for every registry."""
    bundle: Path | None = None
    """Authorities in the place of the system's."""
    folders: Sequence[Path] = _SYSTEM
    """Folders of `HOST:PORT` or `HOST` with `*.crt`, `NAME.cert` and `NAME.key`; the first that is there counts."""

    @classmethod
    def of(cls, ca: Path | None, environ: Mapping[str, str]) -> Trust:
        """What the settings and the environment say."""
        bundle = environ.get("SSL_CERT_FILE")
        home = environ.get("HOME")
        own = (Path(home) / ".config/containers/certs.d",) if home else ()
        return cls(ca, Path(bundle) if bundle else None, (*own, *_SYSTEM))

    def general(self) -> ssl.SSLContext:
        """The context for a host of which nothing is said.

        Raises:
            DocumentError: `registry.bad-certificate`.
        """
        if self.bundle is None:
            context = ssl.create_default_context()
        else:
            context = _reading(self.bundle, lambda: ssl.create_default_context(cafile=self.bundle))
        if self.ca is not None:
            _add(context, self.ca)
        return context

    def context(self, origin: Origin) -> ssl.SSLContext:
        """The context for one host, with its own authorities and our certificate for it.

        Raises:
            DocumentError: `registry.bad-certificate`.
        """
        context = self.general()
        folder = self._folder(origin)
        if folder is None:
            return context
        for authority in sorted(folder.glob("*.crt")):
            _add(context, authority)
        for certificate in sorted(folder.glob("*.cert")):
            _show(context, certificate, certificate.with_suffix(".key"))
        return context

    def _folder(self, origin: Origin) -> Path | None:
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        names = (f"{host}:{origin.port}", host) if origin.port == 443 else (f"{host}:{origin.port}",)
        return next((place for folder in self.folders for name in names if (place := folder / name).is_dir()), None)


def _add(context: ssl.SSLContext, file: Path) -> None:
    _reading(file, lambda: context.load_verify_locations(cafile=file))


def _show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    if not key.is_file():
        raise _bad(certificate, f"its key {key.name} is not beside it")
    # Without a password OpenSSL would ask for one on the terminal.
    _reading(certificate, lambda: context.load_cert_chain(certificate, key, password=""))


def _reading(file: Path, action: Callable[[], Result]) -> Result:
    try:
        return action()
    except ssl.SSLError as error:
        raise _bad(file, f"it cannot be used ({error.reason or 'no certificate in it'})") from error
    except OSError as error:
        raise _bad(file, f"it cannot be read: {error.strerror}") from error


def _bad(file: Path, message: str) -> DocumentError:
    problem = Problem("registry.bad-certificate", message, str(file), hint="certificates and keys are files in PEM")
    return DocumentError("registry.bad-certificate", "a certificate for registries cannot be used", [problem])
