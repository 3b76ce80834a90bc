"""Faults of a machine, and what they may leave behind: nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.command import Command
from tests.needs import need


def private(mounts: str) -> tuple[str, ...]:
    """A prefix for commands: some mounts are made for them alone, by shell commands, as root."""
    need("unshare")
    if os.getuid() != 0:
        if os.environ.get("CI") == "true":
            pytest.fail("mounts are made as root")
        pytest.skip("mounts are made as root")
    return ("unshare", "--mount", "--propagation=private", "sh", "-c", f'set -e; {mounts}; exec "$@"', "sh")


def without(*programs: str) -> tuple[str, ...]:
    """A prefix for commands: these programs are not on their machine."""
    found = [shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") for name in programs]
    places = " ".join(str(Path(path).resolve()) for path in found if path)
    return private(f"for each in {places}; do mount --bind /dev/null $each; done")


def small(folder: Path, size: str) -> tuple[str, ...]:
    """A prefix for commands: a disk of a size is mounted at a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return private(f"mount -t tmpfs -o size={size} small {folder}")


def branch(home: Command, folder: Path, *parts: str) -> Command:
    """A home with the images and the build records of another, and more folders of its cache if asked: by hard links,
    for nothing is ever changed in place."""  # fmt: skip
    for name in ("data", "cache/builds", *(f"cache/{part}" for part in parts)):
        shutil.copytree(home.folder / name, folder / name, copy_function=os.link)
    return Command.at(folder)


def damage(path: Path, *, at: int | None = None, cut: int = 0) -> None:
    """Change one byte of a file, or cut some off; the other names that it has keep what it was."""
    if path.stat().st_nlink > 1:
        copy = path.with_name(f"{path.name}.copy")
        shutil.copyfile(path, copy)
        copy.replace(path)
    size = path.stat().st_size
    place = size // 2 if at is None else at
    with path.open("r+b") as file:
        if cut:
            file.truncate(size - cut)
            return
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x10]))


def blob(command: Command, digest: str) -> Path:
    """The file of a blob."""
    return command.store / "blobs" / digest.replace(":", "/")


def unsound(store: Path) -> list[str]:
    """The blobs of a store that are not what they are named."""
    bad = []
    for path in (store / "blobs" / "sha256").iterdir():
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != path.name:
                bad.append(path.name)
    return bad


def left_files(*folders: Path) -> list[str]:
    """What was begun and not ended in folders."""
    every = [path for folder in folders if folder.is_dir() for path in folder.rglob("*")]
    names = [path for path in every if path.suffix in {".partial", ".scratch"} or path.name.startswith("mmdebstrap.")]
    return [str(path) for path in names if path.name != ".partial"] + [
        str(path) for path in every if path.parent.name == ".partial"
    ]


def left_processes(folder: Path, patience: float = 5.0) -> list[str]:
    """The processes that know of a folder, by their environment or their command line, after some seconds at most."""
    limit = time.monotonic() + patience
    while (found := _knowing(os.fsencode(folder))) and time.monotonic() < limit:
        time.sleep(0.05)
    return found


def _knowing(word: bytes) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes()
            known = command + (place / "environ").read_bytes()
        except OSError:
            continue
        if word in known and int(place.name) != os.getpid():
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found
