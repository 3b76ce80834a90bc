"""Registries and engines of others, started for a test on loopback and ended by their process id."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootworthy.host import processes
from bootworthy.host.processes import Child, Completed
from tests.needs import need, need_root

PATIENCE = 60.0
"""Seconds for a program to begin its work."""


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True)
class DockerRegistry:
    """Debian's docker-registry at work."""

    host: str
    folder: Path

    @property
    def base(self) -> str:
        """The address that requests begin with."""
        return f"http://{self.host}"

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def docker_registry(folder: Path, users: Mapping[str, str] | None = None) -> Iterator[DockerRegistry]:
    """Start Debian's docker-registry with its storage in a folder; `users`, passwords by name, are let in alone."""
    need("docker-registry")
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(5):  # somebody else may take the port between its choice and its use
        port = free_port()
        config = folder / "config.json"
        config.write_text(json.dumps(_registry_config(folder, port, users)))  # YAML reads JSON
        with _running(["docker-registry", "serve", str(config)], folder / "log", {"HOME": str(folder)}) as process:
            if _answers(f"http://127.0.0.1:{port}/v2/", process):
                yield DockerRegistry(f"127.0.0.1:{port}", folder)
                return
    raise AssertionError((folder / "log").read_text(errors="replace"))


def _registry_config(folder: Path, port: int, users: Mapping[str, str] | None) -> dict[str, object]:
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "only for tests"},
    }
    if users is not None:
        file = folder / "htpasswd"
        file.write_text("".join(f"{name}:{_bcrypt(password)}\n" for name, password in users.items()))
        config["auth"] = {"htpasswd": {"realm": "test registry", "path": str(file)}}
    return config


def _answers(url: str, process: Child) -> bool:
    """Whether it answers before it ends or patience does; a 401 is an answer too."""
    limit = time.monotonic() + PATIENCE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < limit and process.poll() is None:
        try:
            with opener.open(url, timeout=5):
                return process.poll() is None
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 401 and process.poll() is None
        except OSError:
            time.sleep(0.05)
    return False


@dataclass(frozen=True)
class Containerd:
    """Debian's containerd at work; root only."""

    folder: Path
    socket: Path
    snapshotter: str

    def ctr(self, *arguments: str, check: bool = True, timeout: float = 120) -> Completed:
        """Run `ctr` against it, in the namespace `test`."""
        argv = ["ctr", "--address", str(self.socket), "--namespace", "test", *arguments]
        return processes.run(argv, timeout=timeout, check=check)

    def pull(self, reference: str, *arguments: str, check: bool = True) -> Completed:
        """`ctr images pull` from a registry that speaks plain HTTP."""
        plain = ("--plain-http", "--snapshotter", self.snapshotter)
        return self.ctr("images", "pull", *plain, *arguments, reference, check=check)

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def containerd(folder: Path, snapshotter: str = "native") -> Iterator[Containerd]:
    """Start Debian's containerd with its root, state and socket under a folder."""
    need("containerd", "ctr")
    need_root("containerd mounts what it unpacks")
    folder.mkdir(parents=True, exist_ok=True)
    address = folder / "s"  # the path of a socket has 107 bytes at most (unix(7))
    assert len(os.fsencode(address)) + len(".ttrpc") < 108, address
    config = folder / "config.toml"
    config.write_text(
        f"version = 2\nroot = {json.dumps(str(folder / 'root'))}\nstate = {json.dumps(str(folder / 'state'))}\n"
        'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs",'
        ' "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",'
        ' "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]\n'
        f"[grpc]\naddress = {json.dumps(str(address))}\n"
        f"[ttrpc]\naddress = {json.dumps(str(address) + '.ttrpc')}\n"
    )
    with _running(["containerd", "--config", str(config)], folder / "log") as process:
        found = Containerd(folder, address, snapshotter)
        limit = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < limit:
            if address.exists() and found.ctr("version", check=False).status == 0:
                break
            time.sleep(0.05)
        else:
            raise AssertionError(found.log)
        yield found


@dataclass(frozen=True)
class Docker:
    """Debian's Docker at work; root only."""

    folder: Path
    socket: Path

    def __call__(self, *arguments: str, check: bool = True, timeout: float = 120) -> Completed:
        """Run `docker` against it."""
        argv = ["docker", "--host", f"unix://{self.socket}", *arguments]
        return processes.run(argv, env={"HOME": str(self.folder)}, timeout=timeout, check=check)

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def docker(folder: Path) -> Iterator[Docker]:
    """Start Debian's Docker with everything of its own under a folder, and without a network for containers."""
    need("dockerd", "docker", "containerd", "runc")
    need_root("Docker runs as root")
    folder.mkdir(parents=True, exist_ok=True)
    address = folder / "s"  # the path of a socket has 107 bytes at most (unix(7))
    argv = ["dockerd", "--host", f"unix://{address}", "--pidfile", str(folder / "pid"), "--storage-driver", "vfs"]
    argv += ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    argv += ["--iptables=false", "--ip6tables=false", "--bridge=none"]
    with _running(argv, folder / "log", {"HOME": str(folder)}) as process:
        found = Docker(folder, address)
        limit = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < limit:
            if address.exists() and found("version", check=False).status == 0:
                break
            time.sleep(0.05)
        else:
            raise AssertionError(found.log)
        yield found


@contextlib.contextmanager
def _running(argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[Child]:
    """A program that ends with the block, and with us."""
    with log.open("ab") as out, processes.spawn(argv, env=env, stdout=out, grace=20) as child:
        yield child


def _bcrypt(password: str) -> str:
    """As htpasswd has it (crypt(5)): the one way of hashing that docker-registry reads."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    made: bytes = crypt(password.encode(), b"$2b$04$" + b"test.registry.of.a.tes")
    return made.decode()
