"""Whether a process group is gone."""

from __future__ import annotations

from pathlib import Path


def alive(group: int) -> list[str]:
    """The processes of a group that still run; one that waits to be reaped does not."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(") ")
        except OSError:
            continue
        state, _, leader, *_ = rest.split()
        if int(leader) == group and state not in {"Z", "X"}:
            found.append(name)
    return found
