import pytest

from bootworthy.errors import NotFoundError
from bootworthy.matrix import format as formats
from bootworthy.matrix.format import Look
from tests import matrices


def test_every_format_is_found_by_its_file() -> None:
    assert list(formats.known()) == ["html", "json", "markdown", "table"]


@pytest.mark.parametrize("name", ["html", "json", "markdown", "table"])
def test_the_same_matrix_gives_the_same_text(name: str) -> None:
    first, second = (formats.find(name).render(matrices.matrix(), Look()) for _ in range(2))
    assert first == second
    assert first.endswith("\n")
    assert not first.endswith("\n\n")


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(NotFoundError) as caught:
        formats.find("markdwon")
    assert (caught.value.code, caught.value.hint) == ("matrix.unknown-format", "did you mean markdown?")


@pytest.mark.parametrize(
    ("encoding", "can"),
    [("utf-8", True), ("UTF-16", True), ("ascii", False), ("latin-1", False), (None, False), ("?", False)],
)
def test_which_streams_can_show_the_marks(encoding: str | None, can: bool) -> None:
    assert formats.speaks_unicode(encoding) is can
