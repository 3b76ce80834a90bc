from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError
from bootworthy.proofs.report import parse
from tests.reports import report, report_bytes


def test_a_report_is_read_whole() -> None:
    found = parse(report_bytes())
    assert found.state == "running"
    assert found.os_release["VERSION_ID"] == "12"
    assert found.root.writable == ("/", "/etc", "/var", "/tmp", "/run")
    assert found.network[0].addresses == ("10.0.2.15/24",)
    assert found.seconds == {"userspace": 1.5, "settled": 4.0, "reported": 4.5}
    assert dict(found.raw) == report()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"schema": "other/1"}, "schema"),
        ({"state": None}, "state"),
        ({"failed_units": "ssh.service"}, "failed_units"),
        ({"failed_units": [1]}, "failed_units"),
        ({"root": []}, "root"),
        ({"root__bytes": -1}, "root.bytes"),
        ({"root__free": True}, "root.free"),
        ({"module__outcome": "fine"}, "module.outcome"),
        ({"network": [{"name": 1}]}, "network.0.name"),
        ({"seconds": {"settled": "4"}}, "seconds.settled"),
        ({"seconds": {"settled": 1e300}}, "seconds.settled"),
        ({"os_release": {"ID": 12}}, "os_release.ID"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(changes: dict[str, object], path: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        parse(report_bytes(**changes))
    assert caught.value.code == "report.malformed"
    assert f"{path}: " in caught.value.message


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'{"schema": NaN}', b"[" * 100_000])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse(data)


def test_bytes_that_are_no_text_do_not_spoil_a_report() -> None:
    assert parse(report_bytes().replace(b'"/dev/vda"', b'"/dev/\xff"')).root.device == "/dev/\N{REPLACEMENT CHARACTER}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(report())), json_values)
def test_any_value_in_any_field_is_read_or_refused(name: str, value: object) -> None:
    data = json.dumps({**report(), name: value}).encode()
    with contextlib.suppress(IntegrityError):
        assert parse(data).raw[name] == value
