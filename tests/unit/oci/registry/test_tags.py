from __future__ import annotations

import json

import pytest

from bootworthy.errors import NetworkError, NotFoundError
from tests.clients import NAME, client
from tests.registry import OLD, Registry, Ways, content, faults
from tests.registry.faults import Fault
from tests.registry.messages import Answer, as_json


def filled(registry: Registry, count: int) -> list[str]:
    """A repository with so many tags, in order."""
    tags = [f"v{number:04}" for number in range(count)]
    content.image().put(registry.storage, NAME, *tags)
    return tags


def listed(*tags: object, link: str | None = None) -> Answer:
    """A page."""
    document = {"name": NAME, "tags": list(tags)}
    return as_json(document, link=link) if link else as_json(document)


@pytest.mark.parametrize(
    ("ways", "pages"), [(Ways(), 3), (Ways(page=1), 2500), (Ways(page=999), 3), (Ways(pages=False), 1), (OLD, 1)]
)
def test_every_tag_comes_once(ways: Ways, pages: int) -> None:
    with Registry(ways=ways) as registry:
        tags = filled(registry, 2500)
        assert list(client(registry.host).tags()) == tags
        assert len(registry.asked("GET", "/tags/list")) == pages


def test_pages_are_asked_for_when_they_are_wanted() -> None:
    with Registry(ways=Ways(page=2)) as registry:
        filled(registry, 10)
        found = client(registry.host).tags()
        assert [next(found) for _ in range(2)] == ["v0000", "v0001"]
        assert len(registry.asked("GET", "/tags/list")) == 1


def test_tags_that_come_twice_are_told_once() -> None:
    with Registry([faults.repeated_tags()], ways=Ways(page=3)) as registry:
        tags = filled(registry, 10)
        assert list(client(registry.host).tags()) == tags


@pytest.mark.parametrize("fault", [faults.looping_tags(), faults.endless_tags()], ids=["loop", "endless"])
def test_pages_without_an_end(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootworthy.oci.registry.paging._MOST", 50)
    with Registry([fault]) as registry:
        filled(registry, 10)
        with pytest.raises(NetworkError) as caught:
            list(client(registry.host).tags())
        assert caught.value.code == "registry.endless-list"
        assert len(registry.asked("GET")) <= 50


def test_pages_that_bring_nothing_new_end() -> None:
    def act(request: object, proceed: object) -> Answer:
        count = len(registry.log)
        return listed("a", link=f'</v2/{NAME}/tags/list?at={count}>; rel="next"')

    with Registry([Fault(act, path="/tags/list", times=None)]) as registry:
        with pytest.raises(NetworkError) as caught:
            list(client(registry.host).tags())
        assert caught.value.code == "registry.endless-list"
        assert len(registry.asked("GET")) < 10


def test_the_next_page_is_never_on_another_host() -> None:
    with Registry() as other, Registry([faults.foreign_page(other.base)]) as registry:
        filled(registry, 10)
        with pytest.raises(NetworkError) as caught:
            list(client(registry.host).tags())
        assert caught.value.code == "registry.bad-answer"
        assert other.log == []


@pytest.mark.parametrize(
    "link",
    [
        '</v2/team/system/tags/list?n=2&last=b>; rel="next"',
        "</v2/team/system/tags/list?n=2&last=b>;rel=next",
        "<list?n=2&last=b>; rel=next",
        "<?n=2&last=b>; REL=Next",
        '<{base}/v2/team/system/tags/list?n=2&last=b>; rel="next"',
        '<https://help.example/>; rel="help", <?n=2&last=b>; title="a, b"; rel="index next"',
    ],
)
def test_links_are_read_as_people_write_them(link: str) -> None:
    with Registry() as registry:
        registry.faults = [
            faults.instead(listed("a", "b", link=link.format(base=registry.base)), path="/tags/list"),
            faults.instead(listed("c"), path="last=b"),
        ]
        assert list(client(registry.host).tags()) == ["a", "b", "c"]


@pytest.mark.parametrize("link", ['</x>; rel="prev"', '</x>; rel="nextish"', '</x>; title="next"', "nonsense", "</x>"])
def test_other_links_are_left_alone(link: str) -> None:
    with Registry([faults.instead(listed("a", link=link), path="/tags/list")]) as registry:
        assert list(client(registry.host).tags()) == ["a"]
        assert len(registry.asked("GET")) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"<html>", b"[]", b'{"tags": "a"}', b'{"tags": [1]}', b'{"tags": ["a b"]}', b'{"tags": ["\\u001b[2J"]}',
        b'{"tags": ["../x"]}', b"\xff", b'{"tags":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_list_of_tags(raw: bytes) -> None:
    with Registry([faults.instead(Answer(200, (("Content-Type", "application/json"),), raw))]) as registry:
        with pytest.raises(NetworkError) as caught:
            list(client(registry.host).tags())
        assert caught.value.code == "registry.bad-answer"
        assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("document", [{"name": NAME, "tags": None}, {"name": NAME, "tags": []}, {"name": NAME}])
def test_no_tags_are_none(document: dict[str, object]) -> None:
    with Registry([faults.instead(Answer(200, (), json.dumps(document).encode()))]) as registry:
        assert list(client(registry.host).tags()) == []


def test_a_repository_that_is_not_there() -> None:
    with Registry() as registry, pytest.raises(NotFoundError):
        list(client(registry.host).tags())


def test_a_page_that_breaks_off_is_asked_for_again() -> None:
    with Registry([faults.truncated(5, path="/tags/list", times=2)]) as registry:
        tags = filled(registry, 10)
        assert list(client(registry.host).tags()) == tags
