"""Fixes change what they say, once, and leave every other character as it was."""

from __future__ import annotations

import itertools
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.catalog.versions import Version
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.detection import machines
from bootworthy.targets.lint.documents import Source, read_text
from bootworthy.targets.lint.fixes import applied, compatible, fixed
from bootworthy.targets.lint.machine import said
from bootworthy.targets.lint.run import run
from bootworthy.targets.lint.tree import Edit, Span
from tests import lint_cases
from tests.lint_cases import CASES, Case

ASKED = Asked(at=date(2026, 1, 1))
EVERY = [(id_, case) for id_, cases in CASES.items() for case in cases]
OLD = "ghcr.io/weaveworks-liquidmetal"
TEMPLATE = f"""\
# What a person wrote.
kind: MicrovmMachineTemplate   # and why
spec:
  template:
    spec:
        memoryMb:   2048
        vcpu: 2
        kernel: # the binary
            image: '{OLD}/flintlock-kernel:5.10.77'   # legacy
            filename: boot/vmlinux
        rootVolume:
            id: root
            image: {OLD}/capmvm-kubernetes:1.23.5 # with modules

        networkInterfaces:
        - type: macvtap
          guestDeviceName: eth1
"""
TEMPLATE_FIXED = """\
# What a person wrote.
kind: MicrovmMachineTemplate   # and why
spec:
  template:
    spec:
        memoryMb:   2048
        vcpu: 2
        kernel: # the binary
            image: 'ghcr.io/liquidmetal-dev/kernel-bin:5.10.77'   # legacy
            filename: boot/vmlinux
        rootVolume:
            id: root
            image: ghcr.io/liquidmetal-dev/capmvm-k8s-os:1.23.5 # with modules
        volumes:
        - VOLUME

        networkInterfaces:
        - type: tap
          guestDeviceName: eth1
""".replace(
    "VOLUME",
    '{"id": "modules", "image": "ghcr.io/liquidmetal-dev/kernel-modules:5.10.77", '
    '"mountPoint": "/lib/modules/5.10.77"}',
)


def asked(case: Case) -> Asked:
    return Asked(at=ASKED.at, versions={name: Version(text) for name, text in case.wanted.items()})


def left(source: Source) -> set[str]:
    return {fault.rule.id for fault in run(source, ASKED)}


def test_a_template_of_the_past_becomes_one_of_today() -> None:
    source, done = fixed(read_text("t.yaml", TEMPLATE), ASKED)
    assert source.text == TEMPLATE_FIXED
    assert {fault.rule.id for fault in done} == {"LM-009", "LM-010", "LM-026"}
    assert left(source) == {"LM-026", "LM-029"}


def test_windows_line_ends_stay() -> None:
    source, _ = fixed(read_text("t.yaml", TEMPLATE.replace("\n", "\r\n")), ASKED)
    assert source.text == TEMPLATE_FIXED.replace("\n", "\r\n")


def test_a_volume_is_added_to_those_there_are() -> None:
    volume = "        volumes:\n          - id: data # mine\n            image: a/b:1\n"
    there = TEMPLATE.replace("        networkI", f"{volume}        networkI")
    source, _ = fixed(read_text("t.yaml", there), ASKED)
    (machine,) = machines(source)
    assert [said(volume.id) for volume in machine.volumes] == ["data", "modules"]
    assert "          - id: data # mine\n            image: a/b:1\n          - {" in source.text


def test_legacy_json_becomes_split() -> None:
    made = lint_cases.changed(lint_cases.spec(), *lint_cases.LEGACY)
    source, _ = fixed(read_text("x.json", json.dumps(made, indent=2)), ASKED)
    again = json.loads(source.text)
    assert again["kernel"]["image"].endswith("/kernel-bin:5.10.77")
    assert again["additional_volumes"][0]["mount_point"] == "/lib/modules/5.10.77"
    assert list(again)[5:8] == ["kernel", "root_volume", "additional_volumes"]
    assert "LM-009" not in left(source)


@pytest.mark.parametrize(
    "image", ["flintlock-kernel:5.4.1", f"flintlock-kernel:5.10.77{lint_cases.DIGEST}", "flintlock-kernel"]
)
def test_what_no_split_image_is_known_for_stays(image: str) -> None:
    text = TEMPLATE.replace("flintlock-kernel:5.10.77", image).replace("weaveworks-liquidmetal", "liquidmetal-dev")
    source, _ = fixed(read_text("t.yaml", text), ASKED)
    assert source.text == text.replace("macvtap", "tap")
    assert "LM-009" in left(source)


def test_old_versions_keep_their_legacy_images() -> None:
    old = Asked(at=ASKED.at, versions={"capmvm": Version("0.7.0"), "flintlock": Version("0.4.0")})
    source, _ = fixed(read_text("t.yaml", TEMPLATE), old)
    assert source.text == TEMPLATE.replace("weaveworks-liquidmetal", "liquidmetal-dev")


def test_camel_case_becomes_snake_case_for_hammertime() -> None:
    text = '{"rootVolume": {"isReadOnly": false}, "interfaces": [{"deviceId": "eth1", "type": "TAP"}], "myKey": 1}'
    source, _ = fixed(read_text("x.json", text), ASKED)
    assert source.text == (
        '{"root_volume": {"is_read_only": false}, "interfaces": [{"device_id": "eth1", "type": 1}], "myKey": 1}'
    )


@pytest.mark.parametrize(("id_", "case"), EVERY, ids=[f"{id_}: {case.what}" for id_, case in EVERY])
def test_a_second_time_changes_nothing(id_: str, case: Case) -> None:
    source, done = fixed(read_text(case.name, case.text), asked(case))
    again, more = fixed(source, asked(case))
    assert (again.text, more) == (source.text, ())
    assert bool(done) is (source.text != case.text)
    before = sum(fault.severity == "error" for fault in run(read_text(case.name, case.text), asked(case)))
    assert sum(fault.severity == "error" for fault in run(source, asked(case))) <= before


@given(st.sampled_from(EVERY), st.text(st.sampled_from(" #aé😀"), max_size=6), st.booleans())
def test_only_the_spans_change(chosen: tuple[str, Case], comment: str, crlf: bool) -> None:
    case = chosen[1]
    text = case.text.replace("\n", f" #{comment}\n", 3) if case.name.endswith(".yaml") else case.text
    text = text.replace("\n", "\r\n") if crlf else text
    source = read_text(case.name, text)
    edits = sorted(
        (edit for fault in compatible(run(source, asked(case))) for edit in fault.edits), key=lambda edit: edit.span
    )
    done, at = applied(text, edits), 0
    kept = ""
    for edit in edits:
        kept += text[at : edit.span.start]
        assert done.startswith(edit.text, len(kept))
        kept += edit.text
        at = edit.span.end
    assert done == kept + text[at:]
    assert all(one.span.end <= other.span.start for one, other in itertools.pairwise(edits))


def test_edits_are_put_in_by_place() -> None:
    assert applied("abcdef", [Edit(Span(4, 5), "X"), Edit(Span(1, 1), "-"), Edit(Span(2, 3), "")]) == "a-bdXf"
