import re
from collections import Counter
from html.parser import HTMLParser
from importlib import resources
from urllib.parse import unquote

import pytest

from bootworthy.matrix import format as formats
from bootworthy.matrix._markup import Html, el, preformatted
from bootworthy.matrix.format import Look
from bootworthy.matrix.mark import Mark
from bootworthy.matrix.model import Matrix
from tests import matrices

VOID = {"meta", "use", "path", "circle"}
CSS = resources.files("bootworthy.matrix").joinpath("page.css").read_text()


class Page(HTMLParser):
    """The elements of a page, with their attributes; complains when they do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def count(self, tag: str) -> int:
        return Counter(tag for tag, _ in self.elements)[tag]

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(name)) is not None]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def html(matrix: Matrix | None = None) -> str:
    return formats.find("html").render(matrix or matrices.matrix(), Look())


def tile(name: str) -> str:
    """The text of a cell in the table."""
    return Page(re.findall(rf'<a href="#{re.escape(name)}".*?</a>', html())[0]).text


def test_the_page_stands_alone() -> None:
    page = Page(html())
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.elements}
    assert not page.values("src")
    assert all(target.startswith("#") for target in page.values("href"))
    assert not re.search(r"url\(|@import|https?:", CSS)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_every_link_leads_somewhere_and_every_name_is_used_once() -> None:
    page = Page(html())
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {unquote(target[1:]) for target in page.values("href")} <= set(ids)
    assert set(matrices.matrix().tiles) <= set(ids)


def test_each_cell_of_the_table() -> None:
    assert tile("debian-12/debian-6.1/qemu-microvm-x86_64") == (
        "qemu-microvm-x86_64 healthy emulated supported 2026-03-01 qemu-microvm 10.0.2, TCG 2 of 2 healthy"
    )
    assert tile("debian-12/debian-6.1/firecracker-x86_64") == (
        "firecracker-x86_64 checked supported healthy in qemu-microvm, emulated"
    )
    assert tile("debian-12/debian-6.1/cloud-hypervisor-x86_64") == (
        "cloud-hypervisor-x86_64 stale : was healthy supported 2026-03-01 cloud-hypervisor 48.0, KVM 1 of 1 healthy"
    )
    assert tile("debian-13/debian-6.1/qemu-microvm-x86_64") == (
        "qemu-microvm-x86_64 failed : panicked emulated experimental 2026-03-01 qemu-microvm 10.0.2, TCG 0 of 1 healthy"
    )
    assert tile("debian-13/debian-6.1/firecracker-x86_64") == (
        "firecracker-x86_64 healthy legacy 2026-03-01 firecracker 1.13.1, KVM 1 of 1 healthy"
    )
    assert tile("debian-12-web/debian-6.1/cloud-hypervisor-x86_64") == "cloud-hypervisor-x86_64 planned"


def test_an_emulated_tick_is_drawn_differently() -> None:
    kvm, tcg = "debian-13/debian-6.1/firecracker-x86_64", "debian-12/debian-6.1/qemu-microvm-x86_64"
    drawn = {
        name: re.findall(rf'<a href="#{re.escape(name)}".*?<use href="#([\w-]+)"', html())[0] for name in (kvm, tcg)
    }
    assert drawn == {kvm: "mark-healthy", tcg: "mark-healthy-emulated"}


def test_details_say_how_to_see_it_again() -> None:
    article = re.findall(r'<article id="debian-12/debian-6.1/qemu-microvm-x86_64".*?</article>', html())
    text = Page(article[0]).text
    for words in (
        matrices.ROOT, "registry.example.com/os/debian-12:debian-6.1", matrices.evidence().digest,
        "bootworthy prove debian-12", "Userspace 6.4 s", "Healthy 21.7 s", "Failed units none",
        "Debian GNU/Linux 12 (bookworm)", "What healthy did not test", "this boot was emulated", "6.12.9",
    ):  # fmt: skip
        assert words in text, words
    assert "last words" not in text


def test_what_did_not_go_well_shows_its_console() -> None:
    article = re.findall(r'<article id="debian-13/debian-6.1/qemu-microvm-x86_64".*?</article>', html(), re.DOTALL)
    assert "[ 1.2] <last words>" in Page(article[0]).text
    assert "Kernel panic: <VFS>" in Page(article[0]).text
    assert "What healthy did not test" not in article[0]


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "</style></title><b>", "&lt;", "javascript:x", "\x00\x1b"],
)
def test_what_people_write_stays_text(words: str) -> None:
    plain, odd = Page(html(matrices.hostile("plain"))), Page(html(matrices.hostile(words)))
    assert Counter(tag for tag, _ in odd.elements) == Counter(tag for tag, _ in plain.elements)
    assert [set(attributes) for _, attributes in odd.elements] == [set(attributes) for _, attributes in plain.elements]
    assert odd.values("href") == plain.values("href")
    if words.isprintable():
        assert odd.text.count(words) == plain.text.count("plain")


def test_only_web_addresses_become_links() -> None:
    def sourced(address: str) -> Page:
        return Page(html(matrices.matrix(matrices.TEXT.replace("note: waits for PCI", f'source: "{address}"'))))

    assert "https://example.com/?a=1&b" in sourced("https://example.com/?a=1&b").values("href")
    assert "javascript:alert(1)" not in sourced("javascript:alert(1)").values("href")
    assert "Source: javascript:alert(1)" in sourced("javascript:alert(1)").text


def test_markup_escapes_what_is_not_markup() -> None:
    assert (
        el("p", "<&>", Html("<b>x</b>"), None, title='"', class_=None) == '<p title="&quot;">&lt;&amp;&gt;<b>x</b></p>'
    )
    assert preformatted("a\n  <b>\x1b") == "<pre><code>a\n  &lt;b&gt;\ufffd</code></pre>"


def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


LIGHT = variables(CSS[: CSS.index("@media")])
DARK = variables(CSS[CSS.index("@media") : CSS.index("* {")])
GROUNDS = ["page", "sheet"]
PAIRS = [
    *((text, ground) for text in ("ink", "soft", "none", "plan") for ground in GROUNDS),
    *((tone, ground) for tone in ("good", "seen", "check", "bad", "old") for ground in (*GROUNDS, f"{tone}-wash")),
    *((text, f"{tone}-wash") for text in ("ink", "soft") for tone in ("good", "seen", "check", "bad", "old")),
    ("on-disc", "good"), ("on-disc", "bad"),
]  # fmt: skip


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(scheme: dict[str, str], text: str, ground: str) -> None:
    assert contrast(scheme[text], scheme[ground]) >= 4.5


def test_both_schemes_have_every_colour() -> None:
    assert set(LIGHT) == set(DARK) >= {name for pair in PAIRS for name in pair}


def test_every_mark_has_a_tone_a_drawing_and_a_meaning() -> None:
    page = html()
    for mark in Mark:
        assert f".tone-{mark} " in CSS.replace(",", " ").replace("{", " {")
        assert f'id="mark-{mark}"' in page
        assert mark.meaning[1:] in Page(page).text
