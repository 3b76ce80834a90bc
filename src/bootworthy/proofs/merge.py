"""Evidence of several machines in one folder. Documents are named by their digests, so there are no conflicts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import BootworthyError, HostError, IntegrityError, NotFoundError
from bootworthy.proofs.evidence import LARGEST, LARGEST_CONSOLE, EvidenceStore, parse, read

_MOST = 100_000
"""Documents in a folder. A machine that proves something every ten minutes has so many in two years."""
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of merging a folder."""

    added: int
    known: int
    """Documents that were here already."""


def merge(store: EvidenceStore, folders: Sequence[Path]) -> tuple[Merged, ...]:
    """Take over what other folders have; all of it is verified before anything is written.

    Raises:
        NotFoundError: `evidence.no-folder`, when one holds no evidence folder.
        IntegrityError: `evidence.corrupt`, with every file that is not what its name says; `evidence.too-many`.
        SpaceError, HostError: it cannot be read, or written.
    """
    for folder in folders:
        if not (folder / "evidence").is_dir():
            raise NotFoundError(
                "evidence.no-folder", "this folder holds no evidence", where=str(folder),
                hint="name the folder that has `evidence` and `console` in it",
            )  # fmt: skip
    wrong = [error for folder in folders for error in _wrong(EvidenceStore(folder))]
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise _all_of(wrong)
    return tuple(_take_all(store, EvidenceStore(folder)) for folder in folders)


def _wrong(theirs: EvidenceStore) -> Iterator[BootworthyError]:
    """What cannot be used of a folder."""
    logs: set[str] = set()
    for number, path in enumerate(theirs.documents()):
        if number == _MOST:
            yield IntegrityError(
                "evidence.too-many", f"more than {_MOST} documents", where=str(theirs.folder),
                hint="see what fills it; merge what is evidence in parts",
            )  # fmt: skip
            return
        try:
            log = theirs.console_path(parse(read(path, LARGEST), str(path)).console)
            if log.name not in logs and os.path.lexists(log):
                read(log, LARGEST_CONSOLE)
            logs.add(log.name)
        except (IntegrityError, HostError) as error:
            yield error


def _take_all(store: EvidenceStore, theirs: EvidenceStore) -> Merged:
    added = known = 0
    for path in theirs.documents():
        # Read and verified again: what was right a moment ago may be another file now.
        data = read(path, LARGEST)
        evidence = parse(data, str(path))
        log = theirs.console_path(evidence.console)
        wanted = log.exists() and not store.console_path(evidence.console).exists()
        if store.take(data, read(log, LARGEST_CONSOLE) if wanted else None, str(path)):
            added += 1
        else:
            known += 1
    return Merged(added, known)


def _all_of(wrong: Sequence[BootworthyError]) -> IntegrityError:
    lines = [f"  {error.where}: {error.message}" for error in wrong[:_NAMED]]
    if len(wrong) > _NAMED:
        lines.append(f"  and {len(wrong) - _NAMED} more")
    return IntegrityError(
        "evidence.corrupt", "\n".join([f"{len(wrong)} files cannot be used, and nothing was merged:", *lines]),
        hint="move the files away, and merge them again from where they were recorded",
    )  # fmt: skip
