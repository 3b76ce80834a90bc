from pathlib import Path

import pytest

from bootworthy import catalog
from bootworthy.builders import kernel_images
from bootworthy.builders.kernel_source import KERNEL_BUILDER
from bootworthy.builders.record import Recipe, Record, why
from bootworthy.builders.workshop import Workshop
from bootworthy.errors import BuildError, NotFoundError
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.needs import need

X86, ARM = Architecture.X86_64, Architecture.AARCH64
TEXT = """\
bootworthy: 1
name: own
systems: {s: {images: {root: example.test/root:1}}}
kernels: {k: {build: {source: {release: bookworm, name: linux-source-6.1}, profiles: [wireguard]}}}
machines: {m: {vmm: qemu-microvm, arch: x86_64}}
matrix: [{systems: [s], kernels: [k], machines: [m], support: supported}]
"""


def recipe(tmp_path: Path, text: str, architecture: Architecture = X86) -> Recipe:
    need("gcc", "make", "bc", "bison", "flex", "perl", "depmod", "ld", "objcopy", "strip")
    kernel = catalog.load_text(text, "own.yaml", tmp_path).kernels["k"]
    assert KERNEL_BUILDER.serves(kernel)
    return KERNEL_BUILDER.build(Workshop(Store(tmp_path / "store"), tmp_path / "cache"), kernel, architecture).recipe


def changed(tmp_path: Path, before: Recipe, text: str) -> list[str]:
    kept = Record(subject=before.subject, recipe=before.document, packages=(), images={}, made_with={})
    return why(recipe(tmp_path, text), kept)


def test_what_a_kernel_is_made_from(tmp_path: Path) -> None:
    made = recipe(tmp_path, TEXT)
    assert made.inputs["source"] == {"distribution": "debian", "release": "bookworm", "package": "linux-source-6.1"}
    assert made.inputs["config"]["EXT4_FS"] == "y"  # type: ignore[index]
    assert made.inputs["profiles"] == {"wireguard": kernel_images.asked("wireguard", X86)}
    assert made.tools["gcc"].startswith("gcc (")
    assert made.tools.keys() == {"gcc", "binutils", "depmod"}
    assert recipe(tmp_path, TEXT).key == made.key


def test_why_says_which_symbol_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe(tmp_path, TEXT)
    (more,) = changed(tmp_path, before, TEXT.replace("[wireguard]", "[wireguard, verity]"))
    assert more.startswith('inputs.profiles.verity: (nothing) -> {"')
    assert '"DM_VERITY": "' in more
    (other,) = changed(tmp_path, before, TEXT.replace("bookworm", "trixie"))
    assert other == 'inputs.source.release: "bookworm" -> "trixie"'
    asked = kernel_images.asked

    def stronger(name: str, architecture: Architecture) -> dict[str, str]:
        return asked(name, architecture) | ({"WIREGUARD": "y"} if name == "wireguard" else {})

    monkeypatch.setattr(kernel_images, "asked", stronger)
    (line,) = (line for line in changed(tmp_path, before, TEXT) if line.startswith("inputs.profiles."))
    assert line.startswith('inputs.profiles.wireguard.WIREGUARD: "m')
    assert line.endswith(' -> "y"')


def test_a_configuration_of_somebody(tmp_path: Path) -> None:
    text = TEXT.replace("profiles: [wireguard]", "config: own.config")
    (tmp_path / "own.config").write_text("CONFIG_A=y\nCONFIG_N=1\n")
    before = recipe(tmp_path, text)
    assert before.inputs["config"] == {"A": "y", "N": "1"}
    (tmp_path / "own.config").write_text("CONFIG_A=m\nCONFIG_N=1\n")
    assert changed(tmp_path, before, text) == ['inputs.config.A: "y" -> "m"']
    (tmp_path / "own.config").unlink()
    with pytest.raises(NotFoundError, match="cannot be read"):
        recipe(tmp_path, text)


def test_where_an_archive_lies_does_not_matter(tmp_path: Path) -> None:
    archive = "{url: 'https://one.example/linux-6.1.tar.xz', sha256: '" + 64 * "a" + "'}"
    text = TEXT.replace("{release: bookworm, name: linux-source-6.1}", archive)
    before = recipe(tmp_path, text)
    assert before.inputs["source"] == {"sha256": 64 * "a"}
    assert changed(tmp_path, before, text.replace("one.example", "two.example")) == []
    (line,) = changed(tmp_path, before, text.replace("aaa'}", "aab'}"))
    assert line.startswith("inputs.source.sha256: ")


def test_names_that_nobody_has(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        recipe(tmp_path, TEXT.replace("[wireguard]", "[wireguards]"))
    assert caught.value.code == "kernel.unknown-profile"
    assert "did you mean wireguard?" in str(caught.value.hint)
    with pytest.raises(NotFoundError) as caught:
        recipe(tmp_path, TEXT.replace("profiles: [wireguard]", "config: microwm"))
    assert caught.value.code == "kernel.unknown-config"
    (tmp_path / "bad.config").write_text("what is this\n")
    with pytest.raises(BuildError, match=r"bad\.config:1"):
        recipe(tmp_path, TEXT.replace("profiles: [wireguard]", "config: bad.config"))
