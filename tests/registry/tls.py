"""A certificate authority for one test, made by openssl: contexts for registries, files for those who ask them."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.needs import need


@dataclass(frozen=True)
class Authority:
    """Keys and certificates in a folder; `ca` is what clients need to trust."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        """A new one, in a folder that is made."""
        need("openssl")
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        made._openssl(
            "req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test authority",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
        return made

    @property
    def ca(self) -> Path:
        """Its own certificate, PEM."""
        return self.folder / "ca.crt"

    def issue(self, name: str, *addresses: str) -> tuple[Path, Path]:
        """A certificate and its key for a server (with addresses, `IP:127.0.0.1` or `DNS:localhost`) or a client."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        self._openssl("req", *_KEY, "-keyout", key, "-out", f"{name}.csr", "-subj", f"/CN={name}")
        extensions = [f"extendedKeyUsage={'serverAuth' if addresses else 'clientAuth'}"]
        extensions += [f"subjectAltName={','.join(addresses)}"] if addresses else []
        (self.folder / f"{name}.ext").write_text("\n".join(extensions))
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", self.ca, "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", certificate, "-extfile", f"{name}.ext",
        )  # fmt: skip
        return certificate, key

    def server(self, *addresses: str, clients: bool = False) -> ssl.SSLContext:
        """For `Registry(tls=...)`: of 127.0.0.1 and localhost if no addresses are given; `clients` asks for theirs."""
        certificate, key = self.issue("server", *(addresses or ("IP:127.0.0.1", "DNS:localhost")))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _openssl(self, *arguments: str | Path) -> None:
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, check=False, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
