"""Collectors at work while images are made, used and given up."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host import leases
from bootworthy.host.leases import Lease
from bootworthy.layers import flatten
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from bootworthy.volumes import convert
from bootworthy.volumes.garbage import collect
from bootworthy.volumes.identity import Source
from tests.oci_images import put_layer

ROUNDS = 10


def start(work: Callable[[], None]) -> int:
    """Do something in a process of its own; its exit status says whether it went well."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def test_what_is_being_made_or_used_is_never_taken(tmp_path: Path) -> None:
    root, cache, stop = tmp_path / "store", tmp_path / "cache", tmp_path / "stop"

    def make(number: int) -> None:
        """Images that share layers with those of the other maker, each made again after it was given up."""
        for turn in range(ROUNDS):
            name = Reference.parse(f"localhost/made-{number}:{turn % 3}")
            store = Store(root)
            layers = [put_layer(store, {"shared": b"s" * 10_000}), put_layer(store, {"own": b"%d" % (turn % 3)})]
            descriptor = store.put_image(layers=layers, architecture=Architecture.X86_64)
            store.tag(name, descriptor)
            with Lease(leases.of_cache(cache)) as lease:
                image = Store(root).image(name, Architecture.X86_64)
                store.untag(name)
                lease.hold(*(layer.diff_id for layer in image.layers))
                tree = flatten.tree_of(image, cache / "layers")
                source = Source.of(image)
                made = convert.Cache(cache / "volumes", lease).obtain(lambda: tree, source, "ext4", VolumeOptions())  # noqa: B023
                node = tree.find(b"own")
                assert node is not None
                assert tree.read(node) == b"%d" % (turn % 3)
                assert convert.sparse_digest(made.path) == made.digest
                assert not store.missing(descriptor)
                image.open_layer(0).read()

    def gather() -> None:
        while not stop.exists():
            time.sleep(0.01)
            collect(Store(root), cache, replaced=(), now=time.time() + 1000, grace=0)

    store = Store(root)
    kept = Reference.parse("localhost/kept:1")
    store.tag(kept, store.put_image(layers=[put_layer(store, {"kept": b"k"})], architecture=Architecture.X86_64))
    del store
    gatherers = [start(gather) for _ in range(2)]
    makers = [start(lambda number=number: make(number)) for number in range(2)]  # type: ignore[misc]
    results = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in makers]
    stop.touch()
    results += [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in gatherers]
    assert results == [0, 0, 0, 0]
    assert not Store(root).missing(Store(root).resolve(kept))
    collect(Store(root), cache, replaced=(), now=time.time() + 1000, grace=0)
    assert len(list(root.glob("blobs/*/*"))) == 3
    assert not list((cache / "layers").iterdir())
    assert not list((cache / "volumes").iterdir())
