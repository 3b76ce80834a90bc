"""Who gets bars, lines or JSON."""

from __future__ import annotations

import io
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bootworthy.cli import output
from bootworthy.cli.bars import Bars
from bootworthy.cli.events import Events
from bootworthy.cli.main import run
from bootworthy.cli.output import Look
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from tests.oci_images import put_small
from tests.terminals import Terminal


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class TestWhoGetsWhat:
    def test_a_terminal_gets_bars(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with Terminal() as terminal:
            monkeypatch.setattr(sys, "stderr", terminal.stream)
            output.begin()
            with output.progress() as progress:
                assert isinstance(progress, Bars)

    @pytest.mark.parametrize(
        ("name", "value", "look"),
        [
            ("NO_COLOR", "1", Look.AUTO),
            ("TERM", "dumb", Look.AUTO),
            ("TERM", "xterm", Look.PLAIN),
            ("TERM", "xterm", Look.NONE),
        ],
    )
    def test_or_lines(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, look: Look) -> None:
        with Terminal() as terminal:
            monkeypatch.setattr(sys, "stderr", terminal.stream)
            monkeypatch.setenv(name, value)
            output.begin(look)
            with output.progress() as progress, progress.task("one\ntwo", 100) as task:
                task.skip(50)
                task.advance(50)
                progress.note("said")
            assert terminal.show() == (["said"] if look is Look.NONE else ["one two", "said"])
            assert "\x1b" not in terminal.raw

    def test_nobody_looks(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.begin()
        with output.progress() as progress, progress.task("unpacking", 5) as task:
            task.advance(5)
        assert capsys.readouterr().err == "unpacking\n"


class TestEvents:
    def test_a_task(self) -> None:
        now = 0.0
        stream = io.StringIO()
        told = Events(stream, lambda: now)
        with told.task("pulling é", 100) as first, told.task("booting"):
            first.skip(40)
            for _ in range(50):
                first.advance(1)
                now += 0.0625
            told.note("said\nso")
        seen = events(stream.getvalue())
        one = {"task": 1, "title": "pulling é", "total": 100, "skipped": 40}
        two = {"task": 2, "title": "booting", "total": None, "skipped": 0}
        # Told at 0, and then not before 0.2 s have passed: each fourth of sixteen in a second.
        advances = [{**one, "event": "advance", "done": 41 + 4 * number} for number in range(1, 13)]
        assert seen == [
            {**one, "event": "begin", "done": 0, "skipped": 0},
            {**two, "event": "begin", "done": 0},
            {**one, "event": "advance", "done": 40},
            *advances,
            {"event": "note", "title": "said\nso"},
            {**two, "event": "end", "done": 0},
            {**one, "event": "end", "done": 90},
        ]
        assert stream.getvalue().isascii()

    def test_a_task_that_fails_ends(self) -> None:
        stream = io.StringIO()
        with pytest.raises(ZeroDivisionError), Events(stream).task("x", 3) as task:
            task.advance(1)
            raise ZeroDivisionError
        assert [(each["event"], each["done"]) for each in events(stream.getvalue())][-1] == ("end", 1)

    def test_threads_do_not_tear_lines(self) -> None:
        stream = io.StringIO()
        told = Events(stream, iter(range(10**9)).__next__)

        def work(number: int) -> None:
            with told.task(f"{number}" * 100, 100) as task:
                for _ in range(100):
                    task.advance(1)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seen = events(stream.getvalue())
        assert len(seen) == 4 * 102
        assert {each["task"] for each in seen} == {1, 2, 3, 4}
        for number in range(1, 5):
            assert [each["done"] for each in seen if each["task"] == number] == [0, *range(1, 101), 100]


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def image(self, home: Path) -> None:
        store = Store(home / "data/store")
        store.tag(Reference.parse("localhost/small:1"), put_small(store))

    def test_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["--progress", "json", "convert", "localhost/small:1", "-o", "x.ext4", "--json"]) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)["schema"] == "bootworthy.volume/1"
        seen = events(told.err)
        assert seen[0]["event"] == "begin"
        assert seen[0]["title"].startswith("unpacking localhost/small")
        ends = [each for each in seen if each["event"] == "end"]
        assert len(ends) == len({each["task"] for each in seen}) == 2
        assert all(each["done"] == each["total"] for each in ends)

    def test_none_and_plain(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["--progress=none", "convert", "localhost/small:1", "-o", "x.ext4"]) == 0
        assert capsys.readouterr().err == ""
        assert run(["--progress=plain", "convert", "localhost/small:1", "-o", "y.ext4"]) == 0
        assert capsys.readouterr().err.startswith("writing ext4")

    def test_it_does_not_last(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["--progress=none", "images"]) == 0
        assert run(["convert", "localhost/small:1", "-o", "x.ext4"]) == 0
        assert "unpacking" in capsys.readouterr().err

    def test_a_wrong_word(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["--progress=loud", "images"]) == 2
        assert "'auto', 'plain', 'json', 'none'" in capsys.readouterr().err
