"""The accounts of a tree: passwd(5) and shadow(5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bootworthy.bundles.packages import text
from bootworthy.layers.node import Tree

_SHUT = frozenset({"nologin", "false"})


class Password(StrEnum):
    """What stands between somebody who knows the name and a login."""

    LOCKED = "locked"
    """No password fits."""
    SET = "set"
    NONE = "none"
    """No password is asked for."""
    UNKNOWN = "unknown"
    """It is kept where the image does not say."""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """One user."""

    uid: int
    name: str
    gid: int
    home: str
    shell: str
    password: Password

    @property
    def can_log_in(self) -> bool:
        """Whether its shell is one: a locked password still leaves keys."""
        return self.shell.rpartition("/")[2] not in _SHUT

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "name": self.name, "uid": self.uid, "gid": self.gid, "home": self.home, "shell": self.shell,
            "password": self.password.value, "can-log-in": self.can_log_in,
        }  # fmt: skip


def accounts(tree: Tree) -> tuple[Account, ...]:
    """Every user, by number; lines that are none are left out."""
    shadow = dict(line.split(":")[:2] for line in text(tree, b"etc/shadow").splitlines() if line.count(":") > 1)
    found = []
    for line in text(tree, b"etc/passwd").splitlines():
        fields = line.split(":")
        if len(fields) == 7 and fields[0] and _number(fields[2]) and _number(fields[3]):
            name, hashed, uid, gid, _, home, shell = fields
            kept = shadow.get(name) if hashed == "x" else hashed
            # passwd(5): an empty shell is /bin/sh
            found.append(Account(int(uid), name, int(gid), home, shell or "/bin/sh", _password(kept)))
    return tuple(sorted(found))


def _number(field: str) -> bool:
    return field.isascii() and field.isdigit() and len(field) <= 10


def _password(kept: str | None) -> Password:
    if kept is None:
        return Password.UNKNOWN
    if not kept:
        return Password.NONE
    return Password.LOCKED if kept[0] in "!*" else Password.SET
