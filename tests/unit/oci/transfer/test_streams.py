"""From a source that writes to a reader: nobody gets the end of what is wrong, and parts go on where the last ended."""

from __future__ import annotations

import io
import random
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from bootworthy.errors import IntegrityError
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.registry.download import Sink
from bootworthy.oci.transfer.parallel import Crew, StoppedError
from bootworthy.oci.transfer.streams import Continued, Pipe

DATA = random.Random(1).randbytes(3_000_000)
BLOB = Descriptor.of(DATA, "")


def fetch(_blob: Descriptor, sink: Sink) -> None:
    for at in range(0, len(DATA), 1 << 18):
        sink.write(memoryview(DATA)[at : at + (1 << 18)])


def read(stream: io.RawIOBase | BinaryIO, size: int) -> bytes:
    found = bytearray()
    while piece := stream.read(size):
        found += piece
    return bytes(found)


class TestPipe:
    @pytest.mark.parametrize("size", [1000, 1 << 18, 1 << 20, 10_000_000])
    def test_all_of_it(self, size: int) -> None:
        with Pipe(fetch, BLOB) as pipe:
            assert read(pipe, size) == DATA

    def test_the_end_is_held_back_until_it_is_known_to_be_right(self) -> None:
        def wrong(blob: Descriptor, sink: Sink) -> None:
            fetch(blob, sink)
            raise IntegrityError("registry.wrong-digest", "other bytes")

        got = 0
        with Pipe(wrong, BLOB) as pipe:
            with pytest.raises(IntegrityError):
                while piece := pipe.read(1 << 16):
                    got += len(piece)
            with pytest.raises(IntegrityError):
                pipe.read(1)
        assert 0 < got < len(DATA)

    def test_nobody_reads_on(self) -> None:
        ended = threading.Event()

        def endless(_blob: Descriptor, sink: Sink) -> None:
            try:
                while True:
                    sink.write(bytes(1 << 16))
            finally:
                ended.set()

        with Pipe(endless, BLOB) as pipe:
            pipe.read(10)
        assert ended.wait(20)

    def test_an_empty_blob(self) -> None:
        with Pipe(lambda _blob, _sink: None, Descriptor.of(b"", "")) as pipe:
            assert pipe.read(10) == b""


class TestContinued:
    def test_parts_in_order_read_the_stream_once(self) -> None:
        begun: list[BinaryIO] = []

        def begin() -> BinaryIO:
            begun.append(io.BytesIO(DATA))
            return begun[-1]

        with Continued(len(DATA), begin) as body:
            found = b""
            for at in range(0, len(DATA), 700_000):
                with body.open() as part:
                    part.seek(at)
                    found += part.read(min(700_000, len(DATA) - at))
            assert found == DATA
            assert len(begun) == 1
            with body.open() as part:  # back to the start, as after a broken connection
                part.seek(100)
                assert part.read(10) == DATA[100:110]
            assert len(begun) == 2
            assert begun[0].closed
        assert begun[1].closed

    def test_a_stream_that_is_too_short(self) -> None:
        with Continued(10, lambda: io.BytesIO(b"abc")) as body, body.open() as part:
            part.seek(5)
            assert part.read(5) == b""


class TestCrew:
    def test_the_first_error_ends_all(self) -> None:
        crew = Crew(2)
        begun: list[int] = []
        gone_on = threading.Event()

        def work(number: int) -> None:
            begun.append(number)
            if number == 1:
                raise ValueError(number)
            advance = crew.counting(lambda _amount, /: None)
            while not gone_on.wait(0.01):
                advance(1)  # ends when there is no use in going on

        with pytest.raises(ValueError, match="1"):
            crew.run([lambda number=number: work(number) for number in range(9)])  # type: ignore[misc]
        assert sorted(begun) == [0, 1]
        with pytest.raises(StoppedError):
            crew.counting(lambda _amount, /: None)(1)

    def test_nothing_to_do(self, tmp_path: Path) -> None:
        Crew(4).run([])
