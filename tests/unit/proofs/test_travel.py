from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bootworthy.errors import BootworthyError, IntegrityError, NetworkError, UsageError
from bootworthy.host.progress import QUIET
from bootworthy.oci import digest as digests
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.documents import INDEX, MANIFEST, PLATFORM, ROLE, Descriptor, Platform
from bootworthy.oci.registry.repository import Repository
from bootworthy.oci.written import index_bytes
from bootworthy.proofs import travel
from bootworthy.proofs.artifact import ARTIFACT, CONSOLE, DOCUMENT
from bootworthy.proofs.evidence import LARGEST, LARGEST_CONSOLE, EvidenceStore
from bootworthy.proofs.standing import Expected, status
from bootworthy.proofs.travel import Report
from bootworthy.vocabulary import Standing
from tests.attached import attach, contents, recorded
from tests.clients import NAME, client
from tests.registry import Registry, content, faults
from tests.reports import DIGEST, OTHER, START, evidence

SMALL = content.image()
IMAGE = Descriptor(MANIFEST, SMALL.digest, len(SMALL.manifest))


@pytest.fixture(params=["new", "old"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    """With the referrers API, and without."""
    with Registry(old=request.param == "old") as found:
        SMALL.put(found.storage, NAME, "v1")
        yield found


@pytest.fixture
def new() -> Iterator[Registry]:
    with Registry() as found:
        SMALL.put(found.storage, NAME, "v1")
        yield found


@pytest.fixture
def here(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "there")


class Notes:
    """Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.task = QUIET.task

    def note(self, message: str) -> None:
        self.lines.append(message)


def pull(registry: Registry, store: EvidenceStore, *images: Descriptor) -> Report:
    return travel.pull(client(registry.host), images or [IMAGE], store)


def push(registry: Registry, store: EvidenceStore, *images: Descriptor) -> Report:
    return travel.push(client(registry.host), images or [IMAGE], store)


def listed(registry: Registry) -> tuple[Descriptor, ...]:
    return client(registry.host).referrers(IMAGE.digest, ARTIFACT)


def test_evidence_goes_and_comes_byte_for_byte(registry: Registry, here: EvidenceStore, there: EvidenceStore) -> None:
    for number in range(5):
        recorded(here, IMAGE.digest, number, b"console %d" % number)
    recorded(here, OTHER, 9)
    assert push(registry, here) == Report(moved=5)
    assert pull(registry, there) == Report(moved=5)
    mine = contents(here.folder)
    assert contents(there.folder).items() <= mine.items()
    assert len(contents(there.folder)) == 10
    assert len(mine) == 12


def test_only_what_is_missing_goes_and_comes(registry: Registry, here: EvidenceStore, there: EvidenceStore) -> None:
    recorded(here, IMAGE.digest)
    assert push(registry, here) == Report(moved=1)
    assert push(registry, here) == Report(there=1)
    recorded(here, IMAGE.digest, 1)
    assert push(registry, here) == Report(moved=1, there=1)
    assert len(listed(registry)) == 2
    assert pull(registry, there) == Report(moved=2)
    before = len(registry.asked("GET", "/blobs/"))
    assert pull(registry, there) == Report(there=2)
    assert len(registry.asked("GET", "/blobs/")) == before


def test_two_machines_add_to_the_same_image(registry: Registry, here: EvidenceStore, there: EvidenceStore) -> None:
    both = evidence(0, digests__images={"root": IMAGE.digest})
    here.put(both, b"")
    there.put(both, b"")
    recorded(here, IMAGE.digest, 1, b"1")
    recorded(there, IMAGE.digest, 2, b"2")
    assert push(registry, here) == Report(moved=2)
    assert push(registry, there) == Report(moved=1, there=1)
    assert pull(registry, here) == Report(moved=1, there=2)
    assert pull(registry, there) == Report(moved=1, there=2)
    assert contents(here.folder) == contents(there.folder)


def test_people_see_in_the_list_what_was_proved(registry: Registry, here: EvidenceStore) -> None:
    one = recorded(here, IMAGE.digest)
    push(registry, here)
    (entry,) = listed(registry)
    assert entry.artifact_type == ARTIFACT
    assert entry.annotations["dev.bootworthy.cell"] == one.cell
    assert entry.annotations["dev.bootworthy.verdict"] == "healthy"


def test_a_document_whose_console_is_not_here_travels_alone(
    registry: Registry, here: EvidenceStore, there: EvidenceStore
) -> None:
    one = recorded(here, IMAGE.digest, console=b"console")
    log = here.console_path(one.console)
    log.unlink()
    assert push(registry, here) == Report(moved=1)
    assert pull(registry, there) == Report(moved=1)
    assert there.all() == (one,)
    log.write_bytes(b"console")
    assert push(registry, here) == Report(moved=1)
    assert pull(registry, there) == Report(there=2)
    assert there.console(one) == b"console"


def test_other_referrers_are_none_of_our_business(registry: Registry, here: EvidenceStore) -> None:
    registry.storage.put_blob(NAME, b"{}")
    signature = content.artifact(SMALL.manifest, MANIFEST, "application/vnd.example.signature")
    described = Descriptor.of(signature, MANIFEST)
    client(registry.host).put_manifest(described, signature)
    assert pull(registry, here) == Report()
    recorded(here, IMAGE.digest)
    assert push(registry, here) == Report(moved=1)
    assert described.digest in {each.digest for each in client(registry.host).referrers(IMAGE.digest)}


def test_a_corrupt_document_here_is_not_sent(registry: Registry, here: EvidenceStore) -> None:
    path = here.path(recorded(here, IMAGE.digest).digest)
    path.write_bytes(path.read_bytes().replace(b"healthy", b"HEALTHY"))
    with pytest.raises(IntegrityError) as caught:
        push(registry, here)
    assert caught.value.where == str(path)
    assert listed(registry) == ()


def test_evidence_of_other_images_is_kept_and_stale(new: Registry, here: EvidenceStore, there: EvidenceStore) -> None:
    one = recorded(there, OTHER)
    attach(new.storage, NAME, IMAGE, there.document(one))
    notes = Notes()
    assert travel.pull(client(new.host), [IMAGE], here, progress=notes) == Report(moved=1, others=1)
    assert notes.lines == ["1 attempts speak of other images than the one they stand beside"]
    assert here.all() == (one,)
    expected = Expected(vmm=one.vmm, images={"root": IMAGE.digest, "kernel": IMAGE.digest})
    seen = status(expected, here.all(), START + timedelta(days=1))
    assert seen.standing is Standing.STALE
    assert seen.reasons[:2] == ("the kernel image is another one now", "the root image is another one now")


# What nobody should put beside an image


def _document(**changes: Any) -> bytes:
    usual = {"digests__images": {"root": IMAGE.digest}, "digests__console": digests.of(b"log")}
    return canonical_json(evidence(**(usual | changes)))


GOOD = _document()
HOSTILE: dict[str, Any] = {
    "no-json": {"document": b"\x00\xff" * 1000},
    "html": {"document": b"<html>Log in to our Wi-Fi</html>"},
    "list": {"document": b"[]"},
    "deep": {"document": b"[" * 1_000_000},
    "not-canonical": {"document": json.dumps(json.loads(GOOD), indent=1).encode()},
    "other-schema": {"document": _document(schema="bootworthy.evidence/2")},
    "verdict": {"document": _document(verdict="splendid")},
    "controls": {"document": _document(times={"a\x1b]0;evil\x07\n": "soon"})},
    "console-path": {"document": _document(digests__console="sha256:../../../../tmp/x")},
    "huge": {"document": GOOD, "layers": [[DOCUMENT, b" " * (LARGEST + 1)]]},
    "huge-console": {"document": GOOD, "layers": [[DOCUMENT, GOOD], [CONSOLE, bytes(LARGEST_CONSOLE + 1)]]},
    "says-huge": {"document": GOOD, "layers": [[DOCUMENT, GOOD, digests.of(GOOD), 10**15]]},
    "says-larger": {"document": GOOD, "layers": [[DOCUMENT, GOOD, digests.of(GOOD), len(GOOD) + 1]]},
    "says-smaller": {"document": GOOD, "layers": [[DOCUMENT, GOOD, digests.of(GOOD), len(GOOD) - 1]]},
    "wrong-bytes": {"document": GOOD, "layers": [[DOCUMENT, GOOD, DIGEST]]},
    "path": {"document": GOOD, "layers": [[DOCUMENT, GOOD, "sha256:../../../../../../tmp/evil"]]},
    "sha512": {"document": GOOD, "layers": [[DOCUMENT, GOOD, "sha512:" + "a" * 128]]},
    "other-console": {"document": GOOD, "console": b"not the log"},
    "no-document": {"document": GOOD, "layers": [[CONSOLE, b"log"]]},
    "two-documents": {"document": GOOD, "layers": [[DOCUMENT, GOOD], [DOCUMENT, GOOD]]},
    "layers": {"document": GOOD, "layers": [], "config": {}},
}  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_is_wrong_is_left_out_and_the_rest_comes(
    new: Registry, here: EvidenceStore, tmp_path: Path, hostile: str
) -> None:
    wrong = attach(new.storage, NAME, IMAGE, **HOSTILE[hostile])
    attach(new.storage, NAME, IMAGE, _document(verdict="unhealthy"), b"log")
    notes = Notes()
    report = travel.pull(client(new.host), [IMAGE], here, progress=notes)
    assert (report.moved, [each.digest for each in report.refused]) == (1, [wrong])
    assert [one.verdict for one in here.all()] == ["unhealthy"]
    assert len(contents(tmp_path)) == 2
    assert len(notes.lines) == 1
    assert all(line.isprintable() for line in notes.lines)
    assert pull(new, here).there == 1


@pytest.mark.parametrize("title", ["../../evil", "/tmp/evil", "evidence/../../../evil", "..", "", "\x1b]0;evil\x07"])
def test_titles_say_nothing_about_where_it_is_kept(
    new: Registry, here: EvidenceStore, tmp_path: Path, title: str
) -> None:
    found = Descriptor.of(GOOD, DOCUMENT)
    new.storage.put_blob(NAME, GOOD)
    layers = [replace(found, annotations={"org.opencontainers.image.title": title}).as_json()]
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": ARTIFACT, "layers": layers,
        "config": found.as_json(), "subject": IMAGE.as_json(),
    }  # fmt: skip
    new.storage.put_manifest(NAME, json.dumps(manifest).encode(), MANIFEST)
    assert pull(new, here) == Report(moved=1)
    name = digests.of(GOOD).removeprefix("sha256:")
    assert list(contents(tmp_path)) == [f"here/evidence/{name}.json"]


def test_what_is_there_twice_is_kept_once(new: Registry, here: EvidenceStore) -> None:
    for number in range(8):
        attach(new.storage, NAME, IMAGE, GOOD, b"log", annotations={"number": str(number)})
    report = pull(new, here)
    assert (report.moved, report.there) == (1, 7)
    assert len(contents(here.folder)) == 2


def test_an_entry_that_cannot_be_read_hides_no_other(new: Registry, here: EvidenceStore, there: EvidenceStore) -> None:
    wrong = attach(
        new.storage, NAME, IMAGE, GOOD, b"log", annotations={"dev.bootworthy.cell": ["a", "\x1b]0;evil\x07"]}
    )
    one = recorded(there, IMAGE.digest)
    notes = Notes()
    sent = travel.push(client(new.host), [IMAGE], there, progress=notes)
    assert (sent.moved, [each.digest for each in sent.refused]) == (1, [wrong])
    came = travel.pull(client(new.host), [IMAGE], here, progress=notes)
    assert (came.moved, came.refused) == (1, sent.refused)
    assert here.all() == (one,)
    assert len(notes.lines) == 2
    assert all(f"left out {wrong[7:19]}: its entry" in line and line.isprintable() for line in notes.lines)


def test_a_list_without_end_is_given_up(new: Registry, here: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootworthy.oci.registry.referrers._MOST", 300)
    entries = [
        {"mediaType": MANIFEST, "digest": f"sha256:{number:064x}", "size": 700, "artifactType": ARTIFACT}
        for number in range(1000)
    ]
    page = content.index(*entries)
    new.faults.append(faults.other_bytes(page, path="/referrers/", times=None))
    with pytest.raises(NetworkError) as caught:
        pull(new, here)
    assert caught.value.code == "registry.endless-list"
    assert not here.folder.exists()


def test_of_very_many_some_are_looked_at(new: Registry, here: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        attach(new.storage, NAME, IMAGE, b"junk %d" % number)
    monkeypatch.setattr(travel, "_MOST", 15)
    notes = Notes()
    report = travel.pull(client(new.host), [IMAGE], here, progress=notes)
    assert (report.moved, report.left_out, len(report.refused)) == (0, 5, 15)
    assert len(notes.lines) == 12
    assert notes.lines[-2:] == [
        "left out 5 more things that are no evidence",
        "left out 5 attempts: that is more than one run fetches",
    ]


def test_no_more_bytes_come_than_the_limit(
    new: Registry, here: EvidenceStore, there: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        recorded(there, IMAGE.digest, number, bytes(100_000))
    push(new, there)
    monkeypatch.setattr(travel, "_MOST_BYTES", 230_000)
    report = pull(new, here)
    assert (report.moved, report.left_out) == (2, 2)
    assert pull(new, here).moved == 2


def test_an_entry_that_is_not_there(registry: Registry, here: EvidenceStore, there: EvidenceStore) -> None:
    recorded(there, IMAGE.digest)
    push(registry, there)
    (entry,) = listed(registry)
    registry.faults.append(faults.status(404, path=f"/manifests/{entry.digest}"))
    assert [each.digest for each in pull(registry, here).refused] == [entry.digest]
    assert not here.folder.exists()
    assert pull(registry, here) == Report(moved=1)


def test_a_wrong_byte_on_the_way_is_never_kept(new: Registry, here: EvidenceStore, there: EvidenceStore) -> None:
    one = recorded(there, IMAGE.digest)
    push(new, there)
    new.faults.append(faults.wrong_bytes(100, path=f"/blobs/{one.digest}", times=None))
    report = pull(new, here)
    assert (report.moved, len(report.refused)) == (0, 1)
    assert not here.folder.exists()
    new.faults.clear()
    assert pull(new, here) == Report(moved=1)


def test_from_registry_to_registry(new: Registry, here: EvidenceStore, there: EvidenceStore) -> None:
    """What is right goes on, byte for byte; what is wrong, and what speaks of other images, stays behind."""
    recorded(here, IMAGE.digest, 1, b"1")
    recorded(here, IMAGE.digest, 2, b"2")
    push(new, here)
    junk = attach(new.storage, NAME, IMAGE, b"junk")
    attach(new.storage, NAME, IMAGE, there.document(recorded(there, OTHER)))
    with Registry(old=True) as far:
        SMALL.put(far.storage, NAME, "v1")
        report = travel.relay(client(new.host), client(far.host), [IMAGE])
        assert (report.moved, report.there, report.others) == (2, 0, 1)
        assert [each.digest for each in report.refused] == [junk]
        assert travel.relay(client(new.host), client(far.host), [IMAGE]).there == 2
        got = EvidenceStore(here.folder.parent / "got")
        assert pull(far, got) == Report(moved=2)
        assert contents(got.folder) == contents(here.folder)


def test_a_registry_that_is_gone_is_an_error(here: EvidenceStore) -> None:
    with Registry() as registry:
        gone = client(registry.host)
    with pytest.raises(NetworkError):
        travel.pull(gone, [IMAGE], here)


# What evidence may speak of


class _Unread:
    def __call__(self, descriptor: Descriptor) -> bytes:
        raise AssertionError(descriptor)


def test_an_image_is_what_evidence_speaks_of() -> None:
    assert travel.subjects(replace(IMAGE, annotations={ROLE: "root"}), _Unread()) == (IMAGE,)


def test_of_an_index_each_root_and_itself() -> None:
    def entry(number: int, role: str | None, platform: Platform | None) -> Descriptor:
        said = {ROLE: role, PLATFORM: "linux/amd64"} if role else {}
        return Descriptor(MANIFEST, f"sha256:{number:064x}", 500, said, platform)

    amd, arm, unknown = Platform("linux", "amd64"), Platform("linux", "arm64"), Platform("unknown", "unknown")
    entries = [
        entry(1, "root", amd), entry(2, "root+kernel", arm), entry(3, "kernel", unknown), entry(4, None, unknown),
        entry(5, None, amd), entry(6, None, None), entry(7, "kernel", amd),
        replace(entry(8, None, amd), media_type=INDEX),
    ]  # fmt: skip
    raw = index_bytes(entries)
    top = Descriptor.of(raw, INDEX)
    found = travel.subjects(top, lambda _: raw)
    assert found[0] == top
    assert [int(each.digest[-4:], 16) for each in found[1:]] == [1, 2, 5, 6]
    assert all(each.platform is None and not each.annotations for each in found)


def test_an_index_of_very_many_images() -> None:
    raw = index_bytes([Descriptor(MANIFEST, f"sha256:{number:064x}", 500) for number in range(101)])
    with pytest.raises(UsageError) as caught:
        travel.subjects(Descriptor.of(raw, INDEX), lambda _: raw)
    assert caught.value.code == "evidence.too-many-images"


def test_images_known_by_the_digest_of_their_index(
    registry: Registry, here: EvidenceStore, there: EvidenceStore
) -> None:
    """As a cell has them whose images somebody else publishes as an index."""
    raw = index_bytes([IMAGE])
    top = Descriptor.of(raw, INDEX)
    repository: Repository = client(registry.host)
    repository.put_manifest(top, raw, ["both"])
    recorded(here, top.digest)
    recorded(here, IMAGE.digest, 1)
    found = travel.subjects(top, lambda _: raw)
    assert push(registry, here, *found) == Report(moved=2)
    assert pull(registry, there, *found) == Report(moved=2)
    assert contents(here.folder) == contents(there.folder)


def test_a_folder_that_cannot_be_written_ends_it(new: Registry, there: EvidenceStore, tmp_path: Path) -> None:
    recorded(there, IMAGE.digest)
    push(new, there)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BootworthyError) as caught:
        pull(new, EvidenceStore(tmp_path / "file"))
    assert caught.value.exit_status == 7
