"""Every mistake in a file, each with its place, at once."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bootworthy import catalog
from bootworthy.errors import DocumentError, Problem

GOOD = """\
bootworthy: 1
name: good
systems:
  debian-12: {bootstrap: {release: bookworm}}
  debian-13: {bootstrap: {release: trixie}, architectures: [x86_64]}
kernels:
  debian-6.1: {package: {release: bookworm, name: linux-image}}
machines:
  qemu: {vmm: qemu-microvm, arch: x86_64}
  fc-arm: {vmm: firecracker, arch: aarch64}
matrix:
  - {systems: [debian-12], kernels: [debian-6.1], machines: ["*"], support: supported}
"""


def problems(text: str | bytes) -> list[Problem]:
    with pytest.raises(DocumentError) as caught:
        catalog.load_text(text if isinstance(text, str) else text.decode("utf-8", "surrogateescape"), "c.yaml")
    assert caught.value.code == "catalog.invalid"
    assert caught.value.exit_status == 3
    return list(caught.value.problems)


def only(text: str | bytes) -> Problem:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


CASES = [
    # old, new, code, place, path, words of the message, words of the hint
    ("name: good", "nmae: good\nname: x", "catalog.unknown-key", "2:1", "nmae", "nmae", "did you mean name?"),
    ("vmm: qemu-microvm", "vmn: 1, vmm: qemu-microvm", "catalog.unknown-key", "9:10", "machines.qemu.vmn", "vmn",
     "vmm"),
    ("name: good", "name: a\nname: b", "catalog.duplicate-key", "3:1", "name", "name", "line 2"),
    ("{release: trixie}", "{release: 13}", "catalog.unquoted-version", "5:36", "systems.debian-13.bootstrap.release",
     "the number 13", 'quote it: "13"'),
    ("{release: trixie}", "{release: 5.10}", "catalog.unquoted-version", "5:36", "systems.debian-13.bootstrap.release",
     "the number 5.1", 'quote it: "5.10"'),
    ("name: good", "name: 1.10", "catalog.unquoted-version", "2:7", "name", "1.10 is not a string", 'quote it: "1.10"'),
    ("name: good", "name: yes", "catalog.unquoted-version", "2:7", "name", "yes", 'quote it: "yes"'),
    ("name: good", "name: 2028-06-01", "catalog.unquoted-version", "2:7", "name", "date", 'quote it: "2028-06-01"'),
    ("name: good", "name: good\ntitle: 12:30", "catalog.unquoted-version", "3:8", "title", "12:30",
     'quote it: "12:30"'),
    ("name: good", "name: 0o7", "catalog.unquoted-version", "2:7", "name", "0o7", 'quote it: "0o7"'),
    ("debian-6.1: ", "6.1: {}\n  debian-6.1: ", "catalog.unquoted-version", "7:3", "kernels.6.1", "6.1",
     'quote it: "6.1"'),
    ("[debian-12]", "debian-12", "catalog.type", "12:15", "matrix.0.systems", "a list is wanted", "write [debian-12]"),
    ("arch: x86_64}", "arch: x86_64, vcpus: '2'}", "catalog.type", "9:50", "machines.qemu.vcpus", "whole number",
     "without quotes"),
    ("arch: x86_64}", "arch: x86_64, inferred: yes}", "catalog.type", "9:53", "machines.qemu.inferred",
     "true or false", "true or false"),
    ("arch: x86_64}", "arch: x86_64, vcpus: 1.5}", "catalog.type", "9:50", "machines.qemu.vcpus", "whole number", None),
    ("arch: x86_64}", "arch: x86_64, note: }", "catalog.type", "9:43", "machines.qemu.note", "no value", "remove"),
    ("arch: x86_64}", "arch: x86_64, memory: 1G}", "catalog.value", "9:51", "machines.qemu.memory", "1G", "512MiB"),
    ("arch: x86_64}", "arch: x86_64, versions: '>x'}", "catalog.value", "9:53", "machines.qemu.versions", "'x'", "1.7"),
    ("arch: x86_64}", "arch: x86_64, since: '2028-13'}", "catalog.value", "9:50", "machines.qemu.since", "date",
     "2028-06"),
    ("vmm: qemu-microvm, ", "", "catalog.missing", "9:3", "machines.qemu", "a VMM or a hardware model",
     "write `vmm`, or `hardware`"),
    ("name: good\n", "", "catalog.missing", "1:1", "name", "`name` is missing", None),
    ("name: good", "name: Good Name", "catalog.bad-name", "2:7", "name", "Good Name", "lower case"),
    ("name: good", f"name: {'x' * 64}", "catalog.bad-name", "2:7", "name", "64", None),
    ("name: good", "name: a--b", "catalog.bad-name", "2:7", "name", "a--b", None),
    ("  debian-13:", "  Debian:", "catalog.bad-name", "5:3", "systems.Debian", "Debian", None),
    ("debian-6.1: ", "embedded: {}\n  debian-6.1: ", "catalog.bad-name", "6:1", "kernels", "embedded", None),
    ("[debian-12]", "[debain-12]", "catalog.dangling", "12:16", "matrix.0.systems.0", "debain-12", "debian-1"),
    ("[debian-6.1]", "[embeded]", "catalog.dangling", "12:38", "matrix.0.kernels.0", "embeded", "embedded"),
    ('["*"]', '["x*"]', "catalog.dangling", "12:62", "matrix.0.machines.0", "matches none", "qemu"),
    ("qemu-microvm", "qemu-micro", "catalog.dangling", "9:15", "machines.qemu.vmm", "qemu-micro", "qemu-microvm"),
    ("{bootstrap: {release: trixie}", "{dockerfile: x, from: debian-1", "catalog.dangling", "5:36",
     "systems.debian-13.from", "debian-1", "debian-1"),
    ("vmm: firecracker", "vmm: qemu-microvm", "catalog.value", "10:37", "machines.fc-arm.arch", "aarch64", "x86_64"),
    ("vmm: firecracker", "vcpus: 33, vmm: firecracker", "catalog.value", "10:19", "machines.fc-arm.vcpus", "32", None),
    ("support: supported", "support: suported", "catalog.value", "12:77", "matrix.0.support", "suported", "supported"),
    ("{bootstrap: {release: trixie}", "{dockerfile: x, from: debian-13", "catalog.value", "5:36",
     "systems.debian-13.from", "debian-13 from debian-13", None),
    ("{bootstrap: {release: trixie}", "{from: debian-12", "catalog.missing", "5:3", "systems.debian-13", "dockerfile",
     None),
    ("{bootstrap: {release: trixie}", "{images: {root: a, root+kernel: b}", "catalog.value", "5:15",
     "systems.debian-13.images", "the role root", None),
    ("{bootstrap: {release: trixie}", "{images: {rot: a}", "catalog.value", "5:15", "systems.debian-13.images",
     "rot", "root"),
    ("{bootstrap: {release: trixie}", "{images: {root: a}, dockerfile: b", "catalog.value", "5:3",
     "systems.debian-13", "`dockerfile` and `images`", None),
    ("{bootstrap: {release: trixie}", "{dockerfile: ../b", "catalog.value", "5:27", "systems.debian-13.dockerfile",
     "../b", None),
    ("{bootstrap: {release: trixie}", "{tags: x", "catalog.missing", "5:3", "systems.debian-13", "`images`", None),
    ("name: linux-image", 'name: "linux-${ach}"', "catalog.value", "7:51", "kernels.debian-6.1.package.name", "${ach}",
     "${arch}"),
    ("bootworthy: 1", "bootworthy: 2", "catalog.version", "1:13", "bootworthy", "2", "a newer one reads 2"),
    ("bootworthy: 1", "bootworthy: '1'", "catalog.version", "1:13", "bootworthy", "1", "bootworthy: 1"),
    ("bootworthy: 1\n", "", "catalog.missing", "1:1", "bootworthy", "bootworthy", None),
    ("[debian-12]", "[debian-13]", None, None, None, None, None),
    ('systems: [debian-12], kernels: [debian-6.1], machines: ["*"]',
     "systems: [debian-13], kernels: [debian-6.1], machines: [fc-arm]", "catalog.value", "12:62",
     "matrix.0.machines.0", "not made for aarch64", "take the machine out"),
    ('systems: [debian-12], kernels: [debian-6.1], machines: ["*"]',
     'systems: [debian-13], kernels: [debian-6.1], machines: ["fc*"]', "catalog.dangling", "12:61",
     "matrix.0.machines", "architecture", None),
    ("support: supported}",
     "support: supported}\n  - {systems: [debian-12], kernels: ['*'], machines: [qemu], support: planned}",
     "catalog.duplicate-cell", "13:5", "matrix.1", "line 12", "without globs"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "place", "path", "message", "hint"), CASES)
def test_one_mistake(
    old: str, new: str, code: str | None, place: str | None, path: str, message: str, hint: str | None
) -> None:
    text = changed(old, new)
    if code is None:
        assert catalog.load_text(text, "c.yaml").cells
        return
    found = only(text)
    assert (found.code, found.where, found.path) == (code, f"c.yaml:{place}", path)
    assert message in found.message
    if hint:
        assert hint in (found.hint or "")


SYNTAX = [
    ("a: [1\n", "2:1", ""),
    ("bootworthy: 1\nsystems:\n\tdebian: {}\n", "3:1", "not with a tab"),
    ("a: *x\n", "1:4", "in quotes"),
    ("a: b: c\n", "1:5", "in quotes"),
    ("a: 1\n---\nb: 2\n", "2:1", "one document"),
    ("a: \0\n", "1:4", "escape"),
    ("", "1:1", "bootworthy: 1"),
    ("# nothing\n", "1:1", "bootworthy: 1"),
    ("a: &x [*x]\n", "1:4", ""),
    ("a: !!python/object:os.system x\n", "1:4", "remove"),
    ("<<: {a: 1}\n", "1:1", "for:"),
    ("bootworthy: 1\nname: caf\udce9\n", "2:10", "UTF-8"),
    ("[" * 5000, None, ""),
    ("x" * (1024 * 1024 + 1), "1:1", ""),
    ("%YAML 9.9\n---\na: 1\n", "1:1", ""),
]


@pytest.mark.parametrize(("text", "place", "hint"), SYNTAX, ids=range(len(SYNTAX)))
def test_what_is_no_yaml_we_read(text: str, place: str | None, hint: str) -> None:
    found = [problem for problem in problems(text.encode("utf-8", "surrogateescape")) if "syntax" in problem.code]
    assert len(found) == 1
    assert place is None or found[0].where == f"c.yaml:{place}"
    assert hint in (found[0].hint or "")


def test_aliases_do_not_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert any("aliases expand" in problem.message for problem in problems("\n".join(lines)))


def test_aliases_are_read() -> None:
    text = changed("[debian-12]", "&s [debian-12]") + (
        "  - {systems: *s, kernels: [embedded], machines: [qemu], support: planned}\n"
    )
    assert len(catalog.load_text(text, "c.yaml").cells) == 3


@pytest.mark.parametrize("text", ["- a\n", "just words\n", "42\n"])
def test_what_is_no_mapping(text: str) -> None:
    assert only(text).code == "catalog.type"


def test_for_is_checked() -> None:
    one = "  u-${r}:\n    for: {r: [22.04]}\n    bootstrap: {release: jammy}\nkernels:\n"
    found = only(changed("kernels:\n", one))
    assert (found.code, found.hint) == ("catalog.unquoted-version", 'quote it: "22.04"')


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ('u: {for: {r: ["1", "2"]}}', "catalog.duplicate-key"),
        ("u-${r}: {for: {r: []}}", "catalog.value"),
        ("u-${r}: {for: x}", "catalog.type"),
        ("u-${r}: {}", "catalog.bad-name"),
        ('u-${arch}: {for: {arch: ["x"]}}', "catalog.bad-name"),
        ('u-${r}: {for: {r: ["Bad Name"]}}', "catalog.bad-name"),
        (f'u-${{r}}: {{for: {{r: ["{"x" * 201}"]}}}}', "catalog.value"),
        (
            "u-${a}-${b}-${c}: {for: {a: &l [" + ", ".join(f"x{n}" for n in range(30)) + "], b: *l, c: *l}}",
            "catalog.value",
        ),
    ],
)
def test_what_for_cannot_do(entry: str, code: str) -> None:
    text = GOOD.replace("kernels:\n", f"  {entry}\nkernels:\n")
    assert [problem.code for problem in problems(text)] == [code]


MANY = """\
bootworthy: 1
name: Bad Name
titel: x
registry:
systems:
  debian-12:
    family: debian
    init: [systemd]
    end-of-life: 2028-06-01
    bootstrap: {release: 12, packages: [udev]}
  web: {dockerfile: x, from: debain-12}
kernels:
  k5.10: {package: {name: 5.10}}
machines:
  qemu: {vmm: qemu, arch: amd64, provides: pci}
  fc: {vmm: firecracker, arch: x86_64, prefer: "1", vcpus: 33}
matrix:
  - {systems: [debian-*], kernels: [k5.10, embeded], machines: ["*"], support: suported}
  - {systems: [debian-12], kernels: [embedded], machines: ["fc*"], support: planned}
  - {systems: [debian-12], kernels: [embedded], machines: ["f*"], support: planned}
  - foo
"""


def test_all_mistakes_are_reported_at_once_in_file_order() -> None:
    found = problems(MANY)
    assert [(problem.code, problem.where.removeprefix("c.yaml:")) for problem in found] == [
        ("catalog.bad-name", "2:7"),
        ("catalog.unknown-key", "3:1"),
        ("catalog.type", "4:1"),
        ("catalog.type", "8:11"),
        ("catalog.unquoted-version", "9:18"),
        ("catalog.unquoted-version", "10:26"),
        ("catalog.dangling", "11:30"),
        ("catalog.missing", "13:11"),
        ("catalog.unquoted-version", "13:27"),
        ("catalog.dangling", "15:15"),
        ("catalog.type", "15:44"),
        ("catalog.type", "16:48"),
        ("catalog.value", "16:60"),
        ("catalog.dangling", "18:44"),
        ("catalog.value", "18:80"),
        ("catalog.duplicate-cell", "20:5"),
        ("catalog.type", "21:5"),
    ]


# Whatever a person writes, it is a catalog or a list of mistakes, never another exception.

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=8),
    st.sampled_from(["debian-12", "*", "embedded", "firecracker", "x86_64", "supported", "${r}", "1GiB", ">1", "2028"]),
)  # fmt: skip
keys = st.one_of(
    st.sampled_from([
        "bootworthy", "name", "systems", "kernels", "machines", "matrix", "vmm", "arch", "for", "from", "when", "any",
        "images", "root", "package", "release", "support", "architectures", "bootstrap", "packages", "tags", "note",
    ]),
    st.text(max_size=5),
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
PATHS = [
    (), ("systems",), ("kernels",), ("machines",), ("matrix",), ("systems", "debian-12"), ("systems", "debian-13"),
    ("kernels", "debian-6.1"), ("machines", "qemu"), ("systems", "debian-12", "bootstrap"),
]  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(PATHS), keys, values), min_size=1, max_size=4))
def test_any_change_is_a_catalog_or_mistakes(changes: list[tuple[tuple[str | int, ...], str, object]]) -> None:
    data = json.loads(json.dumps(YAML(typ="safe", pure=True).load(GOOD)))
    for path, key, value in changes:
        target = data
        for step in path:
            target = target.get(step) if isinstance(target, dict) else None
        rows = data["matrix"]
        if path == ("matrix",) and isinstance(rows, list) and rows and isinstance(rows[0], dict):
            rows[0][key] = value
        elif isinstance(target, dict):
            target[key] = value
    loads(json.dumps(data))


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"%@#,? \n\t\0\\é${}<1.0"), max_size=40))
def test_any_text_is_a_catalog_or_mistakes(text: str) -> None:
    loads("bootworthy: 1\n" + text)
    loads(text)


def loads(text: str) -> None:
    try:
        catalog.load_text(text, "c.yaml")
    except DocumentError as error:
        found = error.problems
    else:
        return
    assert found
    for problem in found:
        name, line, column = problem.where.split(":")
        assert name == "c.yaml"
        assert int(line) >= 1
        assert int(column) >= 1
        assert problem.message
