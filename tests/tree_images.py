"""Images whose content is described as `check_trees` describes it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootworthy.layers import writer
from bootworthy.oci.documents import LAYER, Descriptor
from bootworthy.oci.image import Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests import check_trees
from tests.check_trees import Entry


def put_tree(
    store: Store, entries: Mapping[str, Entry], *, below: Sequence[Layer] = (),
    architecture: Architecture = Architecture.X86_64, labels: Mapping[str, str] | None = None, name: str | None = None,
) -> Descriptor:  # fmt: skip
    """An image in a store: its own layer above those that are below it."""
    with tempfile.TemporaryDirectory() as folder, store.new_blob(LAYER) as blob:
        tree = check_trees.tree(Path(folder), entries)
        written = writer.write(writer.members_of(tree), blob, compress=False)
    layers = [*below, Layer(blob.descriptor, written.diff_id)]
    descriptor = store.put_image(layers=layers, architecture=architecture, labels=labels or {})
    if name is not None:
        store.tag(Reference.parse(name), descriptor)
    return descriptor
