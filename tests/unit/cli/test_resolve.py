"""resolve, as a person calls it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from bootworthy.cli.main import run
from tests import resolve_page
from tests.printed import said
from tests.resolve_page import Question

QUESTIONS = resolve_page.questions()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_there_are_thirty_questions_and_no_two_are_the_same() -> None:
    assert len(QUESTIONS) >= 30
    assert len({each.command for each in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.asks.replace(" ", "-"))
def test_the_answer_is_the_one_in_the_table(question: Question, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(question.arguments)
    told = said(capsys)
    if question.error:
        assert (status, told["error"]["code"]) == (9, question.error)
    elif question.refused:
        assert (status, told["resolved"]) == (1, None)
        assert told["refused"]["conflict"] == question.refused
        assert [each["cell"] for each in told["refused"]["nearest"]] == question.nearest
    else:
        assert (status, told["refused"]) == (0, None)
        resolved = told["resolved"]
        assert resolved["cell"] == question.cell
        assert resolved["images"] == question.images
        assert [each["code"] for each in resolved["warnings"]] == question.warnings


def test_the_page_has_these_answers() -> None:
    page = resolve_page.PAGE.read_text()
    assert resolve_page.written(page) == page, "write it again: make docs"


def test_people_read_images_reasons_warnings_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["resolve", "-c", "slicer", "--system", "ubuntu", "--arch", "arm64", "--at", "2026-10-01"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    head, *sections = told.out.rstrip().split("\n\n")
    assert head.splitlines() == [
        "cell         ubuntu-22.04/linux-6.1.90/firecracker-aarch64",
        "root+kernel  ghcr.io/openfaasltd/slicer-systemd-arm64:6.1.90-aarch64-latest",
    ]
    assert [each.partition("\n")[0] for each in sections] == ["why:", "warnings:", "sources:"]
    assert "promise support of these guest kernels on 2026-10-01: 6.18; this one is of 6.1" in sections[1]
    numbers = {line.split("]")[0].strip(" [") for line in sections[-1].splitlines()[1:]}
    assert all(f"[{number}]" in sections[0] + sections[1] for number in numbers)


def test_what_fits_as_well_is_told_and_not_without_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["resolve", "-c", "liquid-metal", "--at", resolve_page.DAY]) == 0
    section = capsys.readouterr().out.split("also fits:\n")[1].split("\n\n")[0].splitlines()
    assert section[0] == "  kubernetes-1.23.5/linux-4.19.215/firecracker-x86_64: kernel 4.19.215, not 5.10.77"
    assert section[-1] == "  and 8 more; --json has them all"


def test_a_refusal_says_why_and_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["resolve", "-c", "slicer", "--system", "ubuntu-24.04", "--arch", "arm64"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "meets --system ubuntu-24.04 and --arch aarch64 together" in told.err
    assert "ubuntu-24.04/embedded/firecracker-aarch64 is unavailable (https://" in told.err
    assert "  --arch x86_64: ubuntu-24.04/linux-5.10.240/firecracker-x86_64\n" in told.err
    assert "Discord" in told.err


def test_a_refusal_can_be_asked_again_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    ask = [
        "resolve",
        "-c",
        "kairos",
        "--system",
        "ubuntu 22.04",
        "--machine",
        "Raspberry Pi 4",
        "--at",
        resolve_page.DAY,
    ]
    assert run([*ask, "--json"]) == 1
    nearest = said(capsys)["refused"]["nearest"]
    assert len(nearest) > 1
    for each in nearest:
        assert each["command"].startswith(f"bootworthy resolve -c kairos --at {resolve_page.DAY} ")
        assert run([*shlex.split(each["command"])[1:], "--json"]) == 0
        resolved = said(capsys)["resolved"]
        assert each["cell"] in [resolved["cell"], *(other["cell"] for other in resolved["others"])]


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["--with", "capmvm"], 2, "resolve.bad-pair"), (["--set", "=1"], 2, "resolve.bad-pair"),
        (["--with", "capmvm=1", "--with", "capmvm=2"], 2, "resolve.twice"),
        (["--arch", "riscv64"], 2, "arch.unknown"), (["--kubernetes", "new"], 2, "version.bad"),
        (["--vmm", "firecraker", "--system", "fedora"], 2, "resolve.bad-needs"),
        (["-c", "slice"], 9, "catalog.not-found"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_error(
    words: list[str], status: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["resolve", "-c", "liquid-metal", *words, "--json"]) == status
    assert said(capsys)["error"]["code"] == code


@pytest.mark.parametrize("shown", re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", resolve_page.PAGE.read_text()))
def test_the_page_shows_what_is_printed(shown: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    command, printed = shown
    run(shlex.split(command)[1:])
    told = capsys.readouterr()
    assert (told.out or told.err) == printed
