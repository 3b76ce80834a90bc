import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bootworthy.builders import download
from bootworthy.catalog.entries import SourceArchive
from bootworthy.errors import IntegrityError, NetworkError, NotFoundError
from bootworthy.host.settings import RegistrySettings

DATA = bytes(range(256)) * 9000
SHA256 = hashlib.sha256(DATA).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/linux.tar.xz")
            self.end_headers()
            return
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA[:1000] if self.path == "/short" else DATA)

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()
        thread.join()


def fetch(url: str, path: Path, sha256: str = SHA256) -> None:
    download.fetch(SourceArchive(url, sha256), path, RegistrySettings())


@pytest.mark.parametrize("name", ["linux.tar.xz", "moved"])
def test_what_has_its_digest(server: str, name: str, tmp_path: Path) -> None:
    fetch(f"{server}/{name}", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == DATA


def test_what_has_another_one(server: str, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=f"have the digest sha256:{SHA256}, and the catalog says sha256:0000") as c:
        fetch(f"{server}/linux.tar.xz", tmp_path / "out", 64 * "0")
    assert (c.value.code, c.value.where) == ("source.wrong-digest", f"{server}/linux.tar.xz")
    assert c.value.hint


def test_more_than_any_source_has(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_LARGEST", 1 << 20)
    with pytest.raises(IntegrityError) as caught:
        fetch(f"{server}/linux.tar.xz", tmp_path / "out")
    assert caught.value.code == "source.too-large"
    assert (tmp_path / "out").stat().st_size <= 1 << 20


def test_what_cannot_be_had(server: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        fetch(f"{server}/absent", tmp_path / "out")
    with pytest.raises(NetworkError, match="broke off"):
        fetch(f"{server}/short", tmp_path / "out")
    with pytest.raises(NetworkError, match="plain http"):
        fetch("http://kernel.example/linux.tar.xz", tmp_path / "out")
