"""The libraries of this machine's own programs, as ldd finds them and as we do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bootworthy.checks import dynamic, libraries
from bootworthy.checks.part import Part
from bootworthy.checks.reading import trail
from bootworthy.host.processes import run
from bootworthy.layers.node import Chunk, Kind, Node, Tree
from tests.needs import need

FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/bin", "/usr/sbin", "/usr/local/lib", "/etc/ld.so.conf.d")
PATTERNS = dict.fromkeys(("/usr/lib", "/usr/lib64", "/usr/local/lib"), "*.so*")
LINKS = ("/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.conf")
_FOUND = re.compile(r"\s(\S+) => (\S+) \(0x")


@pytest.fixture(scope="module")
def machine() -> Part:
    """This machine's programs and libraries as an image; nothing is copied."""
    need("ldd")
    bodies: list[Path] = []
    root = Node(Kind.DIRECTORY, 0o755)
    paths = [path for folder in FOLDERS for path in Path(folder).rglob(PATTERNS.get(folder, "*"))]
    for path in (*paths, *(Path(link) for link in LINKS)):
        here = root
        for name in path.parts[1:-1]:
            here = here.children.setdefault(name.encode(), Node(Kind.DIRECTORY, 0o755))
        if path.is_symlink():
            here.children[path.name.encode()] = Node(Kind.SYMLINK, 0o777, target=str(path.readlink()).encode())
        elif path.is_file():
            facts = path.stat()
            chunks = (Chunk(0, facts.st_size, len(bodies), 0),)
            here.children[path.name.encode()] = Node(
                Kind.FILE, facts.st_mode & 0o7777, size=facts.st_size, chunks=chunks
            )
            bodies.append(path)
    return Part("this machine", Tree(root, tuple(bodies)))


def missing(machine: Part, program: Path) -> set[str] | None:
    """What a program would not find; None when it is no dynamic one."""
    found = trail(machine.tree, str(program).encode())
    assert found.node is not None
    built = dynamic.machine(machine, found.node)
    if built is None:
        return None
    asks = dynamic.read(machine, found.node)
    if asks.interpreter is None:
        return None
    return {each.name.decode() for each in libraries.missing(machine, found, asks, built)}


def test_every_program_finds_what_ldd_finds(machine: Part) -> None:
    programs = [path for path in sorted(Path("/usr/bin").iterdir()) if path.is_file() and not path.is_symlink()]
    found = {program: names for program in programs[::20] if (names := missing(machine, program)) is not None}
    assert len(found) > 5
    for program, names in found.items():
        listed = run(["ldd", program], check=False).text
        assert names == set(re.findall(r"\s(\S+) => not found", listed)), program


def test_each_library_of_a_program_is_missed(machine: Part) -> None:
    program = Path("/usr/bin/tar")
    assert missing(machine, program) == set()
    listed = _FOUND.findall(run(["ldd", program]).text)
    assert len(listed) > 1
    for name, path in listed:
        node = machine.tree.find(str(Path(path).parent).encode())
        assert node is not None
        kept = node.children.pop(name.encode())
        assert name in (missing(machine, program) or set())
        node.children[name.encode()] = kept
