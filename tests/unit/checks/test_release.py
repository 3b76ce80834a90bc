from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.builders.kernel_images import RELEASE_LABEL
from bootworthy.checks.release import CHECK
from bootworthy.checks.subject import Subject
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import RELEASE, File, Link

OTHER = "6.12.3-test"
IN_ROOT = f"usr/lib/modules/{RELEASE}"


def found(subject: Subject) -> list[Finding]:
    return list(CHECK.find(subject))


def test_a_matching_pair_is_silent(tmp_path: Path) -> None:
    assert found(make.subject(tmp_path, kernel_=make.kernel(), modules_=make.modules())) == []


def test_a_kernel_without_modules_is_silent(tmp_path: Path) -> None:
    assert found(make.subject(tmp_path, kernel_=make.kernel(), root_=make.root())) == []


def test_an_empty_mount_point_is_no_folder_of_modules(tmp_path: Path) -> None:
    root = make.root() | {f"usr/lib/modules/{OTHER}": None}
    assert found(make.subject(tmp_path, kernel_=make.kernel(), root_=root)) == []


def test_modules_of_another_release_are_an_error(tmp_path: Path) -> None:
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=make.modules(release=OTHER)))
    assert (finding.id, finding.severity) == ("kernel.release-mismatch", Severity.ERROR)
    assert finding.message == f"the kernel is {RELEASE}, and this module is built for {OTHER}"
    assert finding.where == "modules@sha256:0: /kernel/drivers/virtio_blk.ko"


@pytest.mark.parametrize("number", [0, 10, 20, 30, 39])
def test_one_module_of_another_release_among_many_is_seen(tmp_path: Path, number: int) -> None:
    names = [f"m{index:02}" for index in range(40)]
    modules = make.modules(names) | {f"kernel/drivers/m{number:02}.ko": File(make.module("odd", OTHER))}
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert finding.id == "kernel.release-mismatch"


def test_a_folder_named_for_another_release_is_an_error(tmp_path: Path) -> None:
    modules = make.modules(below=f"lib/modules/{OTHER}")
    findings = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert [finding.id for finding in findings] == ["modules.nested", "kernel.release-mismatch"]
    assert findings[1].message == f"the kernel is {RELEASE}, and the modules stand under {OTHER}"


@pytest.mark.parametrize("below", [f"lib/modules/{RELEASE}", f"usr/lib/modules/{RELEASE}", RELEASE])
def test_modules_that_lie_too_deep_are_an_error(tmp_path: Path, below: str) -> None:
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=make.modules(below=below)))
    assert (finding.id, finding.severity) == ("modules.nested", Severity.ERROR)
    assert finding.where == f"modules@sha256:0: /{below}"
    assert f"the modules are in /{below}" in finding.message


def test_modules_inside_the_root_lie_where_they_should(tmp_path: Path) -> None:
    root = make.root() | make.modules(below=IN_ROOT)
    assert found(make.subject(tmp_path, kernel_=make.kernel(), root_=root)) == []


def test_one_image_that_is_root_and_modules_is_no_volume_of_modules(tmp_path: Path) -> None:
    subject = make.subject(tmp_path, root_=make.root() | make.kernel() | make.modules(below=IN_ROOT))
    object.__setattr__(subject, "modules", subject.root)
    assert found(subject) == []


def test_of_several_releases_in_a_root_the_kernels_own_is_taken(tmp_path: Path) -> None:
    root = make.root() | make.modules(below=IN_ROOT) | make.modules(below=f"usr/lib/modules/{OTHER}", release=OTHER)
    assert found(make.subject(tmp_path, kernel_=make.kernel(), root_=root)) == []


def test_other_modules_left_in_a_root_are_a_warning(tmp_path: Path) -> None:
    root = make.root() | make.modules(below=f"usr/lib/modules/{OTHER}", release=OTHER)
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), root_=root))
    assert (finding.id, finding.severity) == ("kernel.release-mismatch", Severity.WARNING)


def test_modules_of_several_builds_are_an_error(tmp_path: Path) -> None:
    modules = make.modules() | {"kernel/drivers/zram.ko": File(make.module("zram", options="SMP preempt "))}
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert finding.id == "modules.mixed"
    assert "SMP preempt" in finding.message


def test_no_modules_dep_is_an_error(tmp_path: Path) -> None:
    modules = make.modules()
    del modules["modules.dep"]
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert (finding.id, finding.message) == ("modules.no-dep", "there are 3 modules, and no modules.dep")
    assert "depmod" in finding.remedy


def test_an_empty_modules_image_is_an_error(tmp_path: Path) -> None:
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_={"modules.dep": None}))
    assert (finding.id, finding.message) == ("modules.no-dep", "there are no modules")


def test_a_release_is_compared_without_modules_dep_too(tmp_path: Path) -> None:
    modules = make.modules(release=OTHER)
    del modules["modules.dep"]
    findings = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert [finding.id for finding in findings] == ["modules.no-dep", "kernel.release-mismatch"]


def test_modules_that_are_named_and_not_there_are_an_error(tmp_path: Path) -> None:
    modules = make.modules()
    del modules["kernel/drivers/virtio_mmio.ko"]
    modules["kernel/drivers/zram.ko"] = Link(b"gone")
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert finding.id == "modules.incomplete"
    assert "2 of 3 modules are not there: kernel/drivers/virtio_mmio.ko, kernel/drivers/zram.ko" in finding.message


def test_what_only_others_need_is_missed_too(tmp_path: Path) -> None:
    modules = make.modules() | {"modules.dep": File(b"kernel/drivers/zram.ko: kernel/lib/lzo.ko kernel/lib/zstd.ko\n")}
    first, *_ = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert first.id == "modules.incomplete"
    assert "kernel/lib/lzo.ko, kernel/lib/zstd.ko" in first.message


def test_modules_that_no_list_names_are_a_warning(tmp_path: Path) -> None:
    modules = make.modules() | {f"extra/m{number}.ko.xz": File(b"") for number in range(5)}
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert (finding.id, finding.severity) == ("modules.unlisted", Severity.WARNING)
    assert finding.message == "modules.dep does not name extra/m0.ko.xz, extra/m1.ko.xz, extra/m2.ko.xz, ..."


def test_a_module_put_over_another_is_no_stray(tmp_path: Path) -> None:
    modules = make.modules() | {"updates/zram.ko.zst": File(b"")}
    assert found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules)) == []


def test_a_few_modules_beside_many_are_looked_at(tmp_path: Path) -> None:
    names = [f"m{number:04}" for number in range(400)]
    modules = make.modules(names) | {"updates/dkms/odd.ko": File(make.module("odd", OTHER))}
    lists = "".join(f"kernel/drivers/{name}.ko:\n" for name in names) + "updates/dkms/odd.ko:\n"
    (finding,) = found(
        make.subject(tmp_path, kernel_=make.kernel(), modules_=modules | {"modules.dep": File(lists.encode())})
    )
    assert finding.id == "kernel.release-mismatch"
    assert finding.where == "modules@sha256:0: /updates/dkms/odd.ko"


@pytest.mark.parametrize("place", ["/lib/modules/{}", "/usr/lib/modules/{}/"])
def test_a_mount_point_of_another_release_is_an_error(tmp_path: Path, place: str) -> None:
    def subject(release: str) -> Subject:
        table = f"# <file system> <mount point>\nLABEL=modules {place.format(release)} ext4 ro 0 0\n"
        root = make.root() | {"etc/fstab": File(table.encode())}
        return make.subject(tmp_path, root_=root, kernel_=make.kernel(), modules_=make.modules())

    assert found(subject(RELEASE)) == []
    (finding,) = found(subject(OTHER))
    assert (finding.id, finding.severity) == ("kernel.release-mismatch", Severity.ERROR)
    assert finding.message == f"the kernel is {RELEASE}, and /etc/fstab of the root mounts modules of {OTHER}"


def test_a_label_of_another_release_is_an_error(tmp_path: Path) -> None:
    subject = make.subject(tmp_path, kernel_=make.kernel(), modules_=make.modules())
    labelled = replace(subject, modules=make.part(tmp_path, "modules", make.modules(), {RELEASE_LABEL: OTHER}))
    (finding,) = found(labelled)
    assert finding.message == f"the kernel is {RELEASE}, and the label of the modules says {OTHER}"


@pytest.mark.parametrize(
    ("config", "words", "said"),
    [
        ("CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\n", (), "CONFIG_MODULE_SIG_FORCE=y"),
        ("CONFIG_MODULE_SIG=y\n", ("module.sig_enforce=1",), "module.sig_enforce"),
        ("CONFIG_MODULE_SIG=y\n", ("module.sig-enforce",), "module.sig_enforce"),
        ("CONFIG_MODULE_SIG=y\n", ("module.sig_enforce=0",), None),
        ("CONFIG_MODULE_SIG=y\n", (), None),
        ("", ("module.sig_enforce",), None),
    ],
)
def test_a_kernel_that_wants_signatures_gets_them(
    tmp_path: Path, config: str, words: tuple[str, ...], said: str | None
) -> None:
    kernel = make.kernel(make.CONFIG + config)
    for signed in (False, True):
        module = make.module("zram") + make.SIGNATURE * signed
        modules = make.modules(["zram"]) | {"kernel/drivers/zram.ko": File(module)}
        subject = make.subject(tmp_path, kernel_=kernel, modules_=modules)
        findings = found(replace(subject, command_line=words))
        if signed or said is None:
            assert findings == []
        else:
            assert findings[0].id == "modules.unsigned"
            assert findings[0].message == f"this module is not signed, and the kernel has {said}"


@pytest.mark.parametrize("content", [b"", make.FAR, b"\x7fELF", b"\xfd7zXZ\0 not really", make.elf()])
def test_a_damaged_module_is_an_error(tmp_path: Path, content: bytes) -> None:
    modules = make.modules() | {"kernel/drivers/virtio_blk.ko": File(content)}
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert finding.id == "modules.unreadable"
    assert finding.where == "modules@sha256:0: /kernel/drivers/virtio_blk.ko"


def test_a_damaged_list_is_an_error(tmp_path: Path) -> None:
    modules = make.modules() | {"modules.dep": File(b"kernel/a.ko:\n\x1b[2J no colon\n")}
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert finding.id == "modules.unreadable"
    assert finding.message.isprintable()


@pytest.mark.parametrize("data", [make.vmlinux("").replace(b"Linux version", b"Nothing"), b"no kernel"])
def test_modules_without_a_kernel_to_compare_are_a_warning(tmp_path: Path, data: bytes) -> None:
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(data=data), modules_=make.modules()))
    assert (finding.id, finding.severity) == ("modules.no-kernel", Severity.WARNING)


def test_names_that_are_no_utf8_are_found_and_shown(tmp_path: Path) -> None:
    name = b"kernel/drivers/\xff.ko".decode(errors="surrogateescape")
    modules = make.modules(()) | {
        name: File(make.module("odd", OTHER)),
        "modules.dep": File(b"kernel/drivers/\xff.ko:\n"),
    }
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert finding.id == "kernel.release-mismatch"
    assert finding.where.endswith("/kernel/drivers/\\xff.ko")
