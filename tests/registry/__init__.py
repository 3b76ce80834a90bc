"""A registry in this process that does all of distribution-spec 1.1, or what is wrong, as a test asks for.

    with Registry(faults=[faults.truncated(1000, path="/blobs/")]) as registry:
        content.image().put(registry.storage, "system", "v1")
        ...                                    # ask registry.host for system:v1
        assert registry.asked("GET", "/blobs/")[1].headers["range"] == "bytes=1000-"

`docker_registry`, `containerd` and `docker` start those of Debian.
"""  # fmt: skip

from __future__ import annotations

from tests.registry import content, faults
from tests.registry.auth import PUBLIC, Basic, Bearer
from tests.registry.peers import Containerd, Docker, DockerRegistry, containerd, docker, docker_registry
from tests.registry.server import Registry
from tests.registry.storage import digest_of
from tests.registry.tls import Authority
from tests.registry.ways import OLD, Location, State, Ways

__all__ = [
    "OLD", "PUBLIC", "Authority", "Basic", "Bearer", "Containerd", "Docker", "DockerRegistry", "Location", "Registry",
    "State", "Ways", "containerd", "content", "digest_of", "docker", "docker_registry", "faults",
]  # fmt: skip
