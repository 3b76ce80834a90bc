"""Kernel settings of the root that exist only with a module: that the module is there, and loaded by then.

Sources: sysctl.d(5) (folders, masks, `-`; its examples show why), modules-load.d(5), Documentation/networking and
Documentation/admin-guide/sysctl of Linux.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from bootworthy.checks import having
from bootworthy.checks.having import Had
from bootworthy.checks.part import Part
from bootworthy.checks.reading import shown
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.kernels.modules import module_name
from bootworthy.layers.node import Kind
from bootworthy.vocabulary import Finding, Severity

ABSENT = Rule(
    id="sysctl.module-missing", severity=Severity.WARNING, title="The module of a kernel setting is not there",
    why="The setting does not exist on this machine: what counts on it, as containers do, fails later.",
    remedy="use a kernel that has the module, or take the setting out of the image", source="sysctl.d(5)",
)  # fmt: skip
UNLOADED = Rule(
    id="sysctl.module-not-loaded", severity=Severity.WARNING, title="Nothing loads the module of a kernel setting",
    why="Settings are made early in the boot. This one does not exist then, so it is passed over.",
    remedy="name the module in a file in /etc/modules-load.d", source="sysctl.d(5), Examples; modules-load.d(5)",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Setting:
    """Settings that a module brings."""

    keys: bytes
    """Their name, or how it begins."""
    module: str
    symbol: str
    values: tuple[bytes, ...] = ()
    """Only these need it, and the kernel loads it when one is set."""


_SETTINGS = (
    # Documentation/networking/ip-sysctl.rst, "/proc/sys/net/bridge/*"
    _Setting(b"net.bridge.", "br_netfilter", "BRIDGE_NETFILTER"),
    # Documentation/networking/nf_conntrack-sysctl.rst
    _Setting(b"net.netfilter.nf_conntrack_", "nf_conntrack", "NF_CONNTRACK"),
    _Setting(b"net.nf_conntrack_max", "nf_conntrack", "NF_CONNTRACK"),
    # Documentation/networking/ipvs-sysctl.rst
    _Setting(b"net.ipv4.vs.", "ip_vs", "IP_VS"),
    # Documentation/networking/ip-sysctl.rst, "/proc/sys/net/sctp/*"
    _Setting(b"net.sctp.", "sctp", "IP_SCTP"),
    # fs/lockd/svc.c, net/sunrpc/sysctl.c, drivers/md/md.c
    _Setting(b"fs.nfs.nlm_", "lockd", "LOCKD"),
    _Setting(b"fs.nfs.nsm_", "lockd", "LOCKD"),
    _Setting(b"sunrpc.", "sunrpc", "SUNRPC"),
    _Setting(b"dev.raid.", "md_mod", "BLK_DEV_MD"),
    # net/ipv4/tcp_cong.c and net/sched/sch_api.c ask for the module of a name that they do not know.
    _Setting(b"net.ipv4.tcp_congestion_control", "tcp_bbr", "TCP_CONG_BBR", (b"bbr",)),
    _Setting(b"net.core.default_qdisc", "sch_fq", "NET_SCH_FQ", (b"fq",)),
    _Setting(b"net.core.default_qdisc", "sch_cake", "NET_SCH_CAKE", (b"cake",)),
)

# The first folder that has a file of a name hides those behind it.
_ROOTS = (b"etc/", b"run/", b"usr/local/lib/", b"usr/lib/", b"lib/")
_LAST = b"etc/sysctl.conf"
_LIMIT = 256 << 10
_MANY = 1000


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the settings of the root with what the kernel has, and what the root loads."""
    root = subject.root
    if root is None or subject.kernel_file is None:
        return
    said: set[tuple[bytes, str]] = set()
    for path, key, value in _settings(root):
        for setting in _SETTINGS:
            if not _meant(setting, key, value) or (path, setting.module) in said:
                continue
            said.add((path, setting.module))
            name = f"{shown(key)} = {shown(value)}" if setting.values else shown(key)
            yield from _find(subject, root, path, name, setting)


def _find(subject: Subject, root: Part, path: bytes, name: str, setting: _Setting) -> Iterator[Finding]:
    match having.had(subject, setting.module, setting.symbol):
        case Had.NOT:
            message = f"{name} needs the module {setting.module}, which the kernel does not have"
            yield ABSENT.broken(root.at(path), message)
        case Had.MODULE if not _has_file(subject, setting.module):
            message = f"{name} needs the module {setting.module}, which is not among the modules"
            yield ABSENT.broken(root.at(path), message)
        case Had.MODULE if not setting.values and not _loaded(subject, root, setting.module):
            message = f"{name} needs the module {setting.module}, and nothing in the root loads it before"
            remedy = f"`echo {setting.module} > /etc/modules-load.d/{setting.module}.conf` in the image"
            yield UNLOADED.broken(root.at(path), message, remedy=remedy)


def _meant(setting: _Setting, key: bytes, value: bytes) -> bool:
    prefix = setting.keys.endswith((b".", b"_"))
    return (key.startswith(setting.keys) if prefix else key == setting.keys) and (
        not setting.values or value in setting.values
    )


def _has_file(subject: Subject, module: str) -> bool:
    folder = subject.modules_folder
    if folder is None:
        return False
    return module in (folder.tree or {module_name(path) for path in folder.files})


def _loaded(subject: Subject, root: Part, module: str) -> bool:
    """Whether the root, the command line or the initial RAM disk loads a module, or udev sets what comes with it."""
    plain = module.encode()
    lists = [path for path, _ in _files(root, b"modules-load.d", b".conf")]
    for path in (*lists, b"etc/modules"):
        words = (line.split()[:1] for line in _lines(root, path))
        if any(word and word[0].replace(b"-", b"_") == plain for word in words):
            return True
    named = (word.value or "" for word in subject.arguments.all("modules-load"))
    disk = subject.ram_disk
    order = () if disk is None else disk.order or ()
    if module in order or any(module in each.replace("-", "_").split(",") for each in named):
        return True
    return any(plain in (root.head(path, _LIMIT) or b"") for path, _ in _files(root, b"udev/rules.d", b".rules"))


def _settings(root: Part) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Every setting that must succeed: the file, the key with dots, the value; the last one of a key counts."""
    files = sorted(_files(root, b"sysctl.d", b".conf"), key=lambda each: each[1])
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for path in (*(path for path, _ in files), _LAST):
        for line in _lines(root, path):
            key, equals, value = line.partition(b"=")
            if not equals or key.startswith(b"-"):
                continue
            found[_dotted(key.strip())] = (path, value.strip())
    for key, (path, value) in found.items():
        yield path, key, value


def _dotted(key: bytes) -> bytes:
    """The first of `.` and `/` parts the names; the other is a letter of them."""
    first = next((byte for byte in key if byte in b"./"), ord("."))
    return key if first == ord(".") else key.replace(b".", b"\0").replace(b"/", b".").replace(b"\0", b"/")


def _files(root: Part, folder: bytes, suffix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The files of such folders, with their names; each name once, and none that is masked."""
    seen: set[bytes] = set()
    for above in _ROOTS:
        held = root.folder(above + folder)
        for name, node in itertools.islice(held.children.items() if held is not None else (), _MANY):
            if not name.endswith(suffix) or name in seen:
                continue
            seen.add(name)
            masked = node.kind is Kind.SYMLINK and node.target == b"/dev/null"
            if not masked and root.file(above + folder + b"/" + name) is not None:
                yield above + folder + b"/" + name, name


def _lines(root: Part, path: bytes) -> Iterator[bytes]:
    for raw in (root.head(path, _LIMIT) or b"").splitlines():
        line = raw.strip()
        if line and not line.startswith((b"#", b";")):
            yield line


CHECK = Check(title="Kernel settings", rules=(ABSENT, UNLOADED), find=find)
