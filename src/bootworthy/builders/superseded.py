"""Names in the store that nobody gave it by hand, and that are not needed any more.

Builds keep their images by names of their own, until a newer build of the same thing has taken their place. A bundle
has names that go with it (their entries say which bundle: `oci.documents.BUNDLE`); they last while another name has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bootworthy.builders.record import Records
from bootworthy.builders.workshop import REPOSITORY
from bootworthy.errors import UsageError
from bootworthy.oci.documents import BUNDLE, Descriptor
from bootworthy.oci.layout import Layout, names_of
from bootworthy.oci.reach import reach
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store

_Named = tuple[Reference, Descriptor]


def names(store: Store, records: Records) -> tuple[Reference, ...]:
    """The names of builds that are not the newest of their subject, and those that went with a bundle that has no name
    any more, sorted; an image may have other names too.

    Raises:
        DocumentError, NotFoundError: the store's own index cannot be read.
    """
    newest = {key[:32] for key in records.newest_keys()}
    every = _named(store)
    bundles = {entry.digest for _, entry in every if BUNDLE not in entry.annotations}
    found = []
    for name, entry in every:
        if _of_a_build(name):
            gone = name.tag is not None and name.tag.partition("-")[0] not in newest
        else:
            gone = entry.annotations.get(BUNDLE, entry.digest) not in bundles
        if gone:
            found.append(name)
    return tuple(sorted(found, key=str))


def only_name(store: Store, reference: Reference) -> tuple[Reference, ...]:
    """The names that go with `reference` when that is taken away: those of its bundle, if no other name has it, and
    those that builds keep images by which nothing else reaches then.

    Raises:
        NotFoundError: `store.no-image`.
    """
    digest = store.resolve(reference).digest
    every = _named(store)
    own = [pair for pair in every if pair[0] == reference]
    others = [pair for pair in every if pair[0] != reference]
    last = not any(entry.digest == digest and BUNDLE not in entry.annotations for _, entry in others)
    along = [pair for pair in others if last and pair[1].annotations.get(BUNDLE) == digest]
    kept = [pair for pair in others if pair not in along and not _of_a_build(pair[0])]
    lost = _reached(store, [*own, *along]) - _reached(store, kept)
    builds = [pair for pair in others if _of_a_build(pair[0]) and pair[1].digest in lost]
    return tuple(name for name, _ in (*along, *builds))


def _named(store: Store) -> Sequence[_Named]:
    """Every entry of the store whose name is a reference."""
    found = []
    exists = (store.root / "oci-layout").exists()
    for entry in Layout(store.root).index().manifests if exists else ():
        for text in names_of(entry)[:1]:
            try:
                found.append((Reference.parse(text), entry))
            except UsageError:
                continue
    return found


def _of_a_build(name: Reference) -> bool:
    return name.name == REPOSITORY


def _reached(store: Store, named: Iterable[_Named]) -> set[str]:
    return set(reach(Layout(store.root), [entry for _, entry in named]).blobs)
