from __future__ import annotations

from pathlib import Path

from bootworthy.vmms import accelerator, clock
from bootworthy.vocabulary import Accelerator, Architecture


def test_kvm_is_not_tried_where_it_cannot_be(tmp_path: Path) -> None:
    foreign = next(one for one in Architecture if one is not Architecture.native())
    assert "this host is" in (accelerator.unavailable(foreign) or "")
    assert "has no" in (accelerator.unavailable(Architecture.native(), tmp_path / "kvm") or "")
    (tmp_path / "kvm").touch()
    assert accelerator.unavailable(Architecture.native(), tmp_path / "kvm") is None


def test_an_outcome_is_remembered_for_its_key_only(tmp_path: Path) -> None:
    path = tmp_path / "kvm" / "x.json"
    tried = []

    def attempt(reason: str | None) -> str | None:
        tried.append(reason)
        return reason

    first = accelerator.remembered(path, {"kernel": "a"}, lambda: attempt("it died"))
    assert (first.accelerator, first.reason) == (Accelerator.TCG, "it died")
    assert accelerator.remembered(path, {"kernel": "a"}, lambda: attempt(None)) == first
    other = accelerator.remembered(path, {"kernel": "b"}, lambda: attempt(None))
    assert other.accelerator is Accelerator.KVM
    assert tried == ["it died", None]


def test_a_spoilt_memory_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for spoilt in (b"", b"[]", b"{}", b'{"key": {"kernel": "a"}}', b"\xff"):
        path.write_bytes(spoilt)
        assert accelerator.remembered(path, {"kernel": "a"}, lambda: None).accelerator is Accelerator.KVM


def test_the_counter_has_a_frequency_and_keeps_it() -> None:
    khz = clock.counter_khz()
    assert khz is None or 100_000 < khz < 20_000_000
    assert clock.counter_khz() == khz
