"""What images are made of: every blob that is reached from a manifest or index, and what it says of its layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bootworthy.errors import BootworthyError, DocumentError, IntegrityError, NotFoundError
from bootworthy.oci import blobs as blob
from bootworthy.oci.blobs import Blobs
from bootworthy.oci.documents import CONFIGS, INDEXES, MANIFESTS, Descriptor, ImageConfig, Index, parse_document
from bootworthy.oci.fields import LIMIT
from bootworthy.oci.image import read_document


@dataclass(frozen=True, slots=True)
class Reached:
    """What was reached."""

    blobs: Mapping[str, int]
    """Digest to bytes, as descriptors have it."""
    diff_ids: frozenset[str]
    """Of the layers' contents."""
    configs: frozenset[str]
    """Digests of image configurations."""
    problem: BootworthyError | None
    """Why there may be more than that: a document that is there and cannot be read."""


def reach(blobs: Blobs, descriptors: Iterable[Descriptor]) -> Reached:
    """Everything below some descriptors, themselves included."""
    sizes: dict[str, int] = {}
    diff_ids: set[str] = set()
    configs: set[str] = set()
    problem: BootworthyError | None = None
    waiting = list(descriptors)
    while waiting:
        found = waiting.pop()
        if found.digest in sizes:
            continue
        sizes[found.digest] = found.size
        if found.media_type not in INDEXES | MANIFESTS:
            continue
        try:
            document = read_document(blobs, found)
            if isinstance(document, Index):
                waiting.extend(document.manifests)
                continue
            sizes |= {each.digest: each.size for each in (document.config, *document.layers)}
            if document.config.media_type in CONFIGS:
                configs.add(document.config.digest)
                where = document.config.digest
                diff_ids |= set(ImageConfig.parse(blob.read(blobs, document.config), where=where).diff_ids)
        except NotFoundError:  # an index may name images that were never fetched
            continue
        except (IntegrityError, DocumentError) as error:
            problem = problem or error
    return Reached(sizes, frozenset(diff_ids), frozenset(configs), problem)


def described(blobs: Blobs, digest: str) -> Descriptor | None:
    """What points to a blob, by what is in it: a manifest or an index says so itself. None when it is not there."""
    try:
        span = blobs.locate(digest)
        plain = Descriptor("", digest, span.size)
        with span.path.open("rb") as file:
            file.seek(span.offset)
            if span.size > LIMIT or file.read(1) != b"{":
                return plain
        document = parse_document(blob.read(blobs, plain), where=str(span.path))
        return Descriptor(document.media_type, digest, span.size)
    except DocumentError:
        return plain
    except (NotFoundError, IntegrityError, OSError):
        return None
