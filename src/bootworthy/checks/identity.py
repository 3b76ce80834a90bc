"""What must differ between machines, and what lets anybody in, is not in the image."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from bootworthy.checks import accounts, sshd
from bootworthy.checks.part import Part
from bootworthy.checks.reading import shown, trail
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.layers.node import Kind
from bootworthy.vocabulary import Finding, Severity

_SYSTEMD = "systemd, Safely Building Images; machine-id(5)"

MACHINE_ID = Rule(
    id="identity.machine-id", severity=Severity.WARNING, title="The image has a machine id",
    why="Every machine made from it has the same one: they get the same DHCP lease and are taken for one another.",
    remedy="leave /etc/machine-id empty in the image; systemd fills it at first boot", source=_SYSTEMD,
)  # fmt: skip
HOST_KEYS = Rule(
    id="identity.host-keys", severity=Severity.WARNING, title="The image has SSH host keys",
    why="Whoever has the image has the private key of every machine made from it, and can pose as any of them.",
    remedy="delete /etc/ssh/ssh_host_*_key* in the image, and have them made at first boot (`ssh-keygen -A`)",
    source="sshd(8), FILES",
)  # fmt: skip
SEED = Rule(
    id="identity.random-seed", severity=Severity.WARNING, title="The image has a random seed",
    why="Every machine made from it begins with the same seed, which everybody knows who has the image.",
    remedy="delete /var/lib/systemd/random-seed in the image", source=_SYSTEMD,
)  # fmt: skip
PASSWORD = Rule(
    id="identity.root-password", severity=Severity.WARNING, title="root has an empty password, and there is an sshd",
    why="Anybody who reaches a console is root, and over the network too where sshd permits empty passwords.",
    remedy="lock the account in the image (`passwd -l root`) and let people in with keys", source="shadow(5)",
)  # fmt: skip
CLOUD = Rule(
    id="identity.cloud-instance", severity=Severity.WARNING, title="The image has been set up by cloud-init",
    why="cloud-init may take a new machine for the one it knows, and then sets up neither its keys nor its name.",
    remedy="run `cloud-init clean --logs` in the image, or delete /var/lib/cloud/instance and /var/lib/cloud/instances",
    source="cloud-init documentation, First boot determination",
)  # fmt: skip

_IDS = (b"etc/machine-id", b"var/lib/dbus/machine-id")
_UNSET = {b"", b"uninitialized"}
_SEED = b"var/lib/systemd/random-seed"
_INSTANCE, _INSTANCES = b"var/lib/cloud/instance", b"var/lib/cloud/instances"


def find(subject: Subject) -> Iterator[Finding]:
    """Look for ids, keys, seeds and open doors in the root."""
    root = subject.root
    if root is None:
        return
    yield from _machine_id(root)
    keys = sorted(_host_keys(root))
    if keys:
        listed = ", ".join(shown(key) for key in keys[:6]) + (", ..." if len(keys) > 6 else "")
        yield HOST_KEYS.broken(root.at("etc/ssh"), f"there are private host keys in /etc/ssh: {listed}")
    if root.head(_SEED, 1):
        yield SEED.broken(root.at(_SEED), "there is a random seed")
    yield from _cloud(root)
    yield from _password(root)


def _machine_id(root: Part) -> Iterator[Finding]:
    seen = set()
    for path in _IDS:
        content = (root.head(path, 64) or b"").strip()
        real = trail(root.tree, path).node
        if content not in _UNSET and real not in seen:
            yield MACHINE_ID.broken(root.at(path), f"the machine id is set: {shown(content)}")
        seen.add(real)


def _host_keys(root: Part) -> Iterator[bytes]:
    folder = root.folder(b"etc/ssh")
    for name, node in folder.children.items() if folder is not None else ():
        if fnmatch.fnmatchcase(name, b"ssh_host_*_key") and node.kind is Kind.FILE and node.size:
            yield name


def _cloud(root: Part) -> Iterator[Finding]:
    instances = root.folder(_INSTANCES)
    names = sorted(instances.children) if instances is not None else []
    if names or root.tree.find(_INSTANCE, follow=False) is not None:
        which = f": {shown(names[0])}" if names else ""
        yield CLOUD.broken(root.at(_INSTANCE), f"there is an instance of cloud-init{which}")


def _password(root: Part) -> Iterator[Finding]:
    if not sshd.there(root):
        return
    for account in accounts.accounts(root):
        if account.uid == 0 and account.open:
            yield PASSWORD.broken(root.at(account.place), f"{shown(account.name)} has an empty password")
            return


CHECK = Check(title="Identity", rules=(MACHINE_ID, HOST_KEYS, SEED, CLOUD, PASSWORD), find=find)
