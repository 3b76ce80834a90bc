"""What is said of a volume that cannot be read."""

from __future__ import annotations

from bootworthy.errors import IntegrityError


def unreadable(what: str, where: str, *, hint: str = "") -> IntegrityError:
    """The error for a volume that is damaged, or has what we do not read; `where` is its file."""
    return IntegrityError(
        "ext4.unreadable", what, where=where, hint=hint or f"see what e2fsck says of it: e2fsck -fn {where}"
    )
