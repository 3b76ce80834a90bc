"""Pull and push of 1 GB to and from a registry on loopback: Debian's docker-registry, which starts empty."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import contenders, inputs, layouts, memory, tables
from benchmarks.contenders import OURS
from benchmarks.measure import NotMeasuredError, Run, run
from benchmarks.tables import Row

_LIMIT = 600.0
_PATIENCE = 30.0
_MOVED = 10**9
_SKOPEO = "skopeo copy"
_PEERS = Path(sys.prefix) / "peers/usr/bin"
_KINDS = "application/vnd.oci.image.manifest.v1+json"
_STORE = (
    "BOOTWORTHY_DATA=$PWD/data BOOTWORTHY_CACHE=$PWD/cache BOOTWORTHY_STATE=$PWD/state BOOTWORTHY_CONFIG=$PWD/config"
)


@dataclass(frozen=True, slots=True)
class _Mover:
    """Who is measured: commands for a shell, by the layout and the name in the registry."""

    name: str
    prepare: Callable[[Path], str]
    """What goes before a push, and is not measured."""
    push: Callable[[Path, str], str]
    pull: Callable[[str], str]
    got: str
    """The file that has the digest of what was pulled."""


def _movers() -> list[_Mover]:
    ours = f"{_STORE} {contenders.ours()}"
    return [
        _Mover(
            OURS, lambda layout: f"{ours} copy oci:{layout}:{layouts.TAG} localhost/moved:1",
            lambda _, name: f"{ours} push localhost/moved:1 {name}", lambda name: f"{ours} pull {name}",
            "data/store/index.json",
        ),
        _Mover(
            _SKOPEO, lambda _: "true",
            lambda layout, name: f"skopeo --insecure-policy copy --dest-tls-verify=false oci:{layout}:{layouts.TAG} "
            f"docker://{name}",
            lambda name: f"skopeo --insecure-policy copy --src-tls-verify=false docker://{name} oci:out:moved",
            "out/index.json",
        ),
    ]  # fmt: skip


def measured(home: Path, rounds: int) -> object:
    """Everyone pushes to an empty registry and pulls from it into an empty place, in turn; tables are printed."""
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(_PEERS)])
    missing = [name for name in ("skopeo", "docker-registry") if shutil.which(name) is None]
    if missing:
        print(f"\nregistry: not measured: no {missing[0]} here")
        return {"not-measured": f"no {missing[0]} here"}
    layout = inputs.make(home, "moved")
    movers = _movers()
    rows = {verb: {each.name: Row(each.name, verb) for each in movers} for verb in ("push", "pull")}
    for number in range(rounds):
        for each in movers:
            _round(home / "work", each, layout, rows, number)
    for verb, found in rows.items():
        _show(verb, list(found.values()))
    return {verb: [row.as_json(_MOVED) for row in found.values()] for verb, found in rows.items()}


def _round(work: Path, mover: _Mover, layout: Path, rows: dict[str, dict[str, Row]], number: int) -> None:
    shutil.rmtree(work, ignore_errors=True)
    (work / "push").mkdir(parents=True)
    (work / "pull").mkdir()
    try:
        with _registry(work / "registry") as host:
            name = f"{host}/moved:1"
            run(mover.prepare(layout), work / "push", {}, _LIMIT)
            pushed = _one(mover.push(layout, name), work / "push")
            _require(_digest_there(host) == _digest(layout / "index.json"), f"{mover.name} pushed another image")
            pulled = _one(mover.pull(name), work / "pull")
            same = _digest(work / "pull" / mover.got) == _digest(layout / "index.json")
            _require(same, f"{mover.name} pulled another image")
    except NotMeasuredError as error:
        for found in rows.values():
            found[mover.name].reason = str(error)
            found[mover.name].runs.clear()
        return
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for verb, one in (("push", pushed), ("pull", pulled)):
        if not rows[verb][mover.name].reason:
            rows[verb][mover.name].runs.append(one)
        print(f"{verb}, round {number + 1}: {mover.name} {one.seconds:.2f} s", file=sys.stderr)


def _one(command: str, folder: Path) -> Run:
    os.sync()
    memory.warm(_MOVED)
    return run(command, folder, {}, _LIMIT)


def _digest(index: Path) -> str:
    (entry,) = json.loads(index.read_bytes())["manifests"]
    digest = entry["digest"]
    assert isinstance(digest, str)
    return digest


def _digest_there(host: str) -> str:
    with _asked(f"http://{host}/v2/moved/manifests/1") as answer:
        return str(answer.headers["Docker-Content-Digest"])


@contextlib.contextmanager
def _registry(folder: Path) -> Iterator[str]:
    """The address of a docker-registry that is empty; it is another process, so its memory counts for nobody."""
    folder.mkdir()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{found.getsockname()[1]}"
    storage = {"filesystem": {"rootdirectory": str(folder / "storage")}}
    config = {"version": "0.1", "log": {"level": "warn"}, "storage": storage, "http": {"addr": host, "secret": "bench"}}
    (folder / "config").write_text(json.dumps(config))  # YAML reads JSON
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(["docker-registry", "serve", str(folder / "config")], stdout=log, stderr=log) as process,
    ):
        try:
            limit = time.monotonic() + _PATIENCE
            while not _answers(host):
                _require(process.poll() is None and time.monotonic() < limit, "docker-registry does not answer")
                time.sleep(0.05)
            yield host
        finally:
            process.terminate()


def _answers(host: str) -> bool:
    try:
        with _asked(f"http://{host}/v2/"):
            return True
    except OSError:
        return False


def _asked(address: str) -> contextlib.closing[Any]:
    asked = urllib.request.Request(address, headers={"Accept": _KINDS})
    return contextlib.closing(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=60))


def _require(is_so: bool, why: str) -> None:
    if not is_so:
        raise NotMeasuredError(why)


def _show(verb: str, rows: Sequence[Row]) -> None:
    ours, theirs = rows
    print(f"\n## {verb}: {_MOVED / 1e6:.0f} MB in six layers, a registry on loopback\n")
    print(tables.table(rows, _MOVED, theirs if theirs.runs else ours))
    if ours.runs and theirs.runs:
        print(f"\n{OURS} against {_SKOPEO}: {tables.ratio(theirs, ours):.2f} x as fast")
