"""Who gets in: nobody through what the image brings, and the owner through what the machine brings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bootworthy.checks import accounts, sshd
from bootworthy.checks.accounts import Account
from bootworthy.checks.part import Part
from bootworthy.checks.reading import shown
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.layers.node import Kind
from bootworthy.vocabulary import Finding, Severity

SSH_OPEN = Rule(
    id="access.ssh-without-password", severity=Severity.WARNING, title="SSH lets people in without a password",
    why="Anybody who reaches the machine over the network is in.",
    remedy="lock the account in the image (`passwd -l`), and take PermitEmptyPasswords out of the settings of sshd",
    source="sshd_config(5), PermitEmptyPasswords and PermitRootLogin",
)  # fmt: skip
PASSWORD = Rule(
    id="access.password", severity=Severity.WARNING, title="The image has a password",
    why="It is the same on every machine made from it, and whoever has the image can guess at its hash as long as "
    "they like; passwords of published images are known.",
    remedy="lock the account in the image (`passwd -l`), and let people in with keys", source="shadow(5), crypt(5)",
)  # fmt: skip
KEYS = Rule(
    id="access.authorized-keys", severity=Severity.WARNING, title="The image has keys that open it",
    why="Whoever has one of these keys gets into every machine made from it.",
    remedy="delete the file in the image, and give each machine its own keys", source="sshd(8), AUTHORIZED_KEYS",
)  # fmt: skip
NO_AGENT = Rule(
    id="access.no-cloud-init", severity=Severity.WARNING, title="Nothing in the root reads metadata",
    why="Keys and users come to this machine as metadata alone, so nobody gets in.",
    remedy="install cloud-init in the image (Debian and Ubuntu: apt-get install cloud-init)",
    source="cloud-init documentation, Datasources",
)  # fmt: skip
NO_METADATA = Rule(
    id="access.no-metadata", severity=Severity.NOTE, title="Only metadata would let anybody in",
    why="Where nobody brings it metadata, it sets up no account: the machine boots, and nobody gets in.",
    remedy="give the machine a source of metadata, or the image a key, or switch cloud-init off "
    "(`touch /etc/cloud/cloud-init.disabled`)",
    source="cloud-init documentation, Datasources and How to disable cloud-init",
)  # fmt: skip

_KEY_FILES = (b".ssh/authorized_keys", b".ssh/authorized_keys2")
_KEY_LIMIT = 64 << 10
_NAMED = 5
_CLOUD_INIT = (b"usr/bin/cloud-init", b"bin/cloud-init", b"usr/local/bin/cloud-init")
# What else gives a machine its keys from outside.
_AGENTS = (
    *_CLOUD_INIT, b"usr/bin/ignition", b"usr/lib/dracut/modules.d/30ignition", b"usr/bin/afterburn",
    b"usr/bin/coreos-metadata", b"usr/bin/kairos-agent", b"usr/bin/tiny-cloud", b"sbin/tiny-cloud",
    b"usr/bin/google_guest_agent", b"usr/sbin/waagent",
)  # fmt: skip
_SWITCHED_OFF = b"etc/cloud/cloud-init.disabled"
_SEEDS = (b"var/lib/cloud/seed/nocloud", b"var/lib/cloud/seed/nocloud-net")
_UNITS = (b"etc/systemd/system", b"usr/lib/systemd/system", b"lib/systemd/system")
_GETTYS = (b"getty@", b"serial-getty@", b"console-getty", b"getty.service")
_UNIT_LIMIT = 64 << 10


def find(subject: Subject) -> Iterator[Finding]:
    """Look for passwords and keys, and for a way in."""
    root = subject.root
    if root is None:
        return
    people = [account for account in accounts.accounts(root) if account.logs_in]
    yield from _ssh(root, people)
    yield from _passwords(root, people)
    keys = list(itertools.islice(_keys(root, people), _NAMED)) if sshd.there(root) else []
    for path in keys:
        yield KEYS.broken(root.at(path), "there are keys that log in over SSH")
    if not keys and not any(account.usable or account.open for account in people) and not _autologin(root):
        yield from _metadata(subject, root)


def _ssh(root: Part, people: list[Account]) -> Iterator[Finding]:
    if root.file(b"usr/sbin/sshd") is None and root.file(b"usr/bin/sshd") is None:
        return
    set_ = sshd.settings(root)
    if _value(set_, b"permitemptypasswords") != b"yes" or _value(set_, b"passwordauthentication") == b"no":
        return
    root_may = _value(set_, b"permitrootlogin") == b"yes"
    names = [account.name for account in people if account.open and (account.uid != 0 or root_may)]
    if names:
        message = f"sshd permits empty passwords, and this is one: {_listed(names)}"
        yield SSH_OPEN.broken(root.at("etc/ssh/sshd_config"), message)


def _value(settings: sshd.Settings, keyword: bytes) -> bytes:
    return (*settings.get(keyword, ()), b"")[0].lower()


def _passwords(root: Part, people: list[Account]) -> Iterator[Finding]:
    for place in (b"etc/passwd", b"etc/shadow"):
        names = [account.name for account in people if account.usable and account.place == place]
        if names:
            them = "an account has a password" if len(names) == 1 else f"{len(names)} accounts have passwords"
            yield PASSWORD.broken(root.at(place), f"{them}: {_listed(names)}")


def _keys(root: Part, people: list[Account]) -> Iterator[bytes]:
    """The files of keys that are not empty, of those who may log in; where sshd is told that they are."""
    names = sshd.settings(root).get(b"authorizedkeysfile") or _KEY_FILES
    seen = set()
    for account in people:
        for name in names:
            path = name.replace(b"%h", account.home).replace(b"%u", account.name).replace(b"%%", b"%")
            path = path if path.startswith(b"/") else account.home + b"/" + path
            node = root.file(path)
            if node is not None and node not in seen and any(_is_key(line) for line in _lines(root, path)):
                seen.add(node)
                yield path


def _is_key(line: bytes) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(b"#")


def _lines(root: Part, path: bytes) -> list[bytes]:
    return (root.head(path, _KEY_LIMIT) or b"").splitlines()


def _metadata(subject: Subject, root: Part) -> Iterator[Finding]:
    """Whether metadata and what reads it are both there, or neither."""
    there = [path for path in _AGENTS if root.tree.find(path) is not None]
    off = root.file(_SWITCHED_OFF) is not None
    if subject.metadata_only:
        if not there or (off and set(there) <= set(_CLOUD_INIT)):
            says = "cloud-init is switched off" if there else "there is no cloud-init, nor anything like it"
            yield NO_AGENT.broken(root.at("etc/cloud/cloud-init.disabled" if there else ""), says)
        return
    seeded = any(root.file(seed + b"/user-data") is not None for seed in _SEEDS)
    told = any(word.name in {"ds", "cloud-config-url", "url"} for word in subject.arguments.words)
    if set(there) & set(_CLOUD_INIT) and not off and not seeded and not told:
        message = "cloud-init is there, and no account, key or login that would do without its metadata"
        yield NO_METADATA.broken(root.at(there[0]), message)


def _autologin(root: Part) -> bool:
    """Whether a console logs somebody in by itself."""
    for folder in _UNITS:
        held = root.folder(folder)
        for name, node in held.children.items() if held is not None else ():
            if not name.startswith(_GETTYS):
                continue
            names = [name] if node.kind is not Kind.DIRECTORY else [name + b"/" + drop_in for drop_in in node.children]
            if any(b"--autologin" in (root.head(folder + b"/" + each, _UNIT_LIMIT) or b"") for each in names):
                return True
    return b"--autologin" in (root.head(b"etc/inittab", _UNIT_LIMIT) or b"")


def _listed(names: list[bytes]) -> str:
    return ", ".join(shown(name) for name in names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


CHECK = Check(title="Ways in", rules=(SSH_OPEN, PASSWORD, KEYS, NO_AGENT, NO_METADATA), find=find)
