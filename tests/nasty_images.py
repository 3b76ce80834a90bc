"""Images that are hard to keep exactly, made by other people's tools out of folders: each beside what went into it."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.host.processes import run
from bootworthy.oci import digest, documents
from bootworthy.oci.image import Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests import mounts
from tests.archive import Fact
from tests.needs import need, need_root

_NAME = "localhost/nasty:1"
GNU = ("tar", "--format=posix", "--no-recursion", "--xattrs", "--xattrs-include=*")
BSD = ("bsdtar", "--format=pax", "--no-recursion", "--no-acls")
_FOLDERS = "find . -type d -exec touch -d @1500000000 {} +"
"""What umoci unpacks into has the time of now, and what it packs has no fractions of seconds."""
HUGE = (1 << 33) + 4097
"""Bytes, more than the twelve octal digits of a header can say."""


@dataclass(frozen=True)
class Nasty:
    """An image, and what GNU tar said of the folder that it was made of."""

    image: str
    """As `bootworthy convert` takes it."""
    truth: dict[bytes, Fact]


@dataclass
class Stack:
    """A folder that changes, and a layer for each time it did."""

    folder: Path
    layers: list[bytes] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder / "root"

    def sh(self, script: str) -> None:
        """Change it."""
        self.root.mkdir(parents=True, exist_ok=True)
        run(["sh", "-ec", script], cwd=self.root)

    def add(self, program: Sequence[str], *names: str) -> None:
        """A layer of some names, or of everything, packed by a program."""
        listed = b"\0".join(map(os.fsencode, names)) if names else run(["find", ".", "-print0"], cwd=self.root).stdout
        run([*program, "-cf", str(self.folder / "layer"), "--null", "-T", "-"], cwd=self.root, data=listed)
        self.layers.append((self.folder / "layer").read_bytes())

    def image(self) -> str:
        """The layers as an image in a layout, by the name that `convert` takes."""
        store = Store(self.folder / "image")
        layers = [Layer(store.put_bytes(each, documents.LAYER), digest.of(each)) for each in self.layers]
        store.tag(Reference.parse(_NAME), store.put_image(layers=layers, architecture=Architecture.X86_64))
        return f"oci:{self.folder / 'image'}:{_NAME}"

    def made(self) -> Nasty:
        """The image and the truth."""
        return Nasty(self.image(), mounts.packed(self.root, self.folder))


def capable(folder: Path) -> Nasty:
    """Setuid, capabilities, access control lists, owners, devices; a second layer changes some and takes some away."""
    need("tar", "bsdtar", "setcap", "setfattr", "setfacl")
    stack = Stack(folder)
    stack.sh(
        """
        mkdir bin dev shared tmp
        for name in ping su wall lists both open lost; do echo "$name" >"bin/$name"; done
        chown 1000:2000 bin/su; chown 4000000000:65536 bin/wall
        chmod 4755 bin/su; chmod 2711 bin/wall; chmod 7777 bin/open; chmod 0 bin/lost
        chmod 1777 tmp; chmod 2770 shared
        setcap cap_net_raw,cap_net_admin+ep bin/ping
        setcap cap_net_raw+ep bin/lost
        setcap -n 100000 cap_setuid+ep bin/both
        setfattr -n user.text -v hello bin/lists
        setfattr -n user.empty bin/lists
        setfattr -n trusted.bytes -v 0x00ff0a3d bin/lists
        setfattr -n security.other -v "$(head -c 300 /dev/zero | tr '\\0' s)" bin/lists
        setfacl -m u:1000:rx,u:3000000000:r,g:5:x bin/lists
        setfacl -m u:7:rwx shared
        setfacl -d -m u:7:rwx,g:8:r shared
        mknod -m 620 dev/tty c 4 300; mknod dev/disk b 259 1048575; mkfifo -m 640 dev/fifo
        mknod dev/null c 1 3
        """
    )
    stack.add(GNU)
    stack.sh(
        """
        echo new >bin/new; setcap cap_sys_admin=ep bin/new
        rm bin/lost; echo plain >bin/lost
        setfattr -x user.empty bin/lists; setfacl -b bin/lists; setfattr -n user.text -v changed bin/lists
        chmod 755 bin/su; chmod 6755 bin/ping; setcap cap_chown+ep bin/ping
        ln dev/fifo dev/again
        """
    )
    names = [f"bin/{name}" for name in ("new", "lost", "lists", "su", "ping")]
    stack.add(BSD, "bin", *names, "dev", "dev/fifo", "dev/again")  # GNU tar does not tell links of fifos
    return stack.made()


def linked(folder: Path) -> Nasty:
    """Hard links whose targets are in other layers, some of which are then replaced or gone; the last one by umoci."""
    need("tar", "umoci")
    stack = Stack(folder)
    stack.sh(
        """
        mkdir a b; seq 9999 >a/one; ln a/one a/two; ln -s one a/soft; ln a/soft b/soft; echo other >b/other
        ln b/other b/kept; mkfifo a/pipe; echo left >a/left
        find . -exec touch -h -d @1400000000 {} +
        """
    )
    stack.add(BSD)
    stack.sh("ln a/one b/three; ln a/two b/four; ln a/soft soft; ln a/pipe pipe")
    stack.add(BSD, "a/one", "b/three", "a/two", "b/four", "a/soft", "soft", "a/pipe", "pipe")
    # all that stays of the layer are links into the one below it
    names = ["a/one", "a/two", "a/soft", "a/pipe"]
    run(["tar", "--delete", "-f", folder / "layer", *names])
    stack.layers[-1] = (folder / "layer").read_bytes()
    stack.sh("rm a/one; echo replaced >a/one; touch -d @1450000000 a/one; ln a/one b/with-it")
    stack.add(GNU, "a/one", "b/with-it")
    place = stack.image().removeprefix("oci:")
    run(["umoci", "unpack", "--image", place, folder / "bundle"])
    root = folder / "bundle" / "rootfs"
    script = "rm b/other a/two; echo more >>b/four; ln b/kept c; ln a/left b/left; mv soft a/moved"
    # a time is changed where umoci would not see that a file has another name: it has as many as before
    run(["sh", "-ec", f"{script}; touch -h -d @1500000000 b/four c a/moved; {_FOLDERS}"], cwd=root)
    run(["umoci", "repack", "--image", place, folder / "bundle"])
    return Nasty(f"oci:{place}", mounts.packed(root, folder))


def covered(folder: Path) -> Nasty:
    """Whiteouts and opaque folders, as buildah makes them of an overlay."""
    need("buildah")
    need_root("mounts an overlay")
    scripts = (
        """
        mkdir -p gone/deep opaque/sub kept file-then-folder folder-then-file twice/twice
        for name in gone/x gone/deep/x opaque/low opaque/sub/low kept/x kept/y folder-then-file/x twice/twice/x; do
            echo "$name" >"$name"
        done
        rmdir file-then-folder; echo file >file-then-folder; ln -s kept link-then-folder; ln -s nowhere folder-then-link
        echo secret >kept/.hidden
        """,
        """
        rm -r gone opaque folder-then-file file-then-folder link-then-folder folder-then-link kept/x
        mkdir opaque file-then-folder link-then-folder folder-then-link
        echo high >opaque/high; echo file >folder-then-file; echo in >file-then-folder/in; echo in >link-then-folder/in
        rm -r twice/twice; mkdir twice/twice; echo second >twice/twice/second
        """,
        """
        rm -r opaque twice folder-then-link kept/.hidden; mkdir -p opaque/sub twice/twice kept/x
        echo third >twice/third; echo back >opaque/sub/low; ln -s opaque folder-then-link
        mkdir gone; echo again >gone/again
        """,
    )
    places = (f"--root={folder / 'root'}", f"--runroot={folder / 'run'}")
    buildah = ["buildah", *places, "--storage-driver=overlay"]
    base = "scratch"
    truth: dict[bytes, Fact] = {}
    try:
        for number, script in enumerate(scripts):
            container = run([*buildah, "from", "--pull=never", base]).stdout.decode().strip()
            root = Path(run([*buildah, "mount", container]).stdout.decode().strip())
            run(["sh", "-ec", script + "find . -exec touch -h -d @1500000000 {} +"], cwd=root)
            truth = mounts.packed(root, folder)
            run([*buildah, "umount", container])
            base = f"localhost/layer:{number}"
            run([*buildah, "commit", "--quiet", container, base])
            run([*buildah, "rm", container])
        run([*buildah, "push", "--quiet", base, f"oci:{folder / 'image'}:t"])
        layers = [path.read_bytes() for path in (folder / "image" / "blobs" / "sha256").iterdir()]
        opaque = [each for each in layers if each[:2] == b"\x1f\x8b" and b"/.wh..wh..opq" in gzip.decompress(each)]
        assert opaque, "what was replaced is opaque in an overlay"
        del truth[b""]  # buildah does not describe the root folder itself
    finally:
        run([*buildah, "rm", "--all"], check=False)
        run([*buildah, "rmi", "--all", "--force"], check=False)
    return Nasty(f"oci:{folder / 'image'}:t", truth)


def sparse(folder: Path) -> Nasty:
    """Holes before, between and after content, in every way that GNU tar writes them; large files without holes."""
    need("tar")
    stack = Stack(folder)
    stack.sh(
        """
        truncate -s 70000 hole; truncate -s 0 empty; truncate -s 20M wide
        echo mark | dd of=wide bs=1M seek=12 conv=notrunc; printf x | dd of=first bs=1 seek=300001; truncate -s 1 one
        echo start >last; truncate -s 9000001 last
        for number in $(seq 0 3 150); do echo "$number" | dd of=many bs=8192 seek="$number" conv=notrunc; done
        seq 700000 >dense; head -c 4096 dense >block; head -c 4097 dense >more; truncate -s 4M zeros
        dd if=/dev/zero of=zeros bs=1M count=4 conv=notrunc
        """
    )
    stack.add([*GNU, "--sparse", "--sparse-version=1.0"])
    for number, options in enumerate((["--sparse-version=0.1"], ["--sparse-version=0.0"], ["--format=oldgnu"])):
        stack.sh(
            f"mkdir {number}; cp --sparse=always -p many first hole last {number};"
            f" echo {number} | dd of={number}/many bs=4096 seek=99 conv=notrunc; touch -d @{10**9 + number} {number}/*"
        )
        names = (str(number), *(f"{number}/{name}" for name in ("many", "first", "hole", "last")))
        program = [each for each in GNU if "xattrs" not in each or number < 2]
        stack.sh(f"touch -d @{10**9} . {number}")
        stack.add([*program, "--sparse", *options], ".", *names)
    return stack.made()


def named(folder: Path) -> Nasty:
    """Names of 255 bytes, of no encoding, of every byte, and as deep as a path goes; by GNU tar, libarchive, umoci."""
    need("tar", "bsdtar", "umoci")
    stack = Stack(folder)
    stack.root.mkdir(parents=True)
    names = [b"n" * 255, b"\xff" * 255, "\N{SNOWMAN}".encode() * 85, bytes(set(range(1, 256)) - {0x2F, 0x0A})]
    names += [b" ", b"\n\n", b"-rf", b"...", b"~", b"\\n", b"%s", b"*", b"a\xcc\x88", b"\xc3\xa4", b"\xe4", b"A", b"a"]
    names += [b"a=b", b"12 path=x", b".wh", b"wh.x", b"TRAILER!!", b"\xed\xa0\x80"]
    place = os.fsencode(stack.root)
    layers: dict[bytes, list[str]] = {b"gnu": [], b"bsd": [], b"umoci": []}
    for where, listed in layers.items():
        os.makedirs(place + b"/" + where + b"/folders")
        listed.extend((os.fsdecode(where), os.fsdecode(where + b"/folders")))
        for number, name in enumerate(names):
            paths = [b"%s/%s" % (where, name), b"%s/%d" % (where, number), b"%s/folders/%s" % (where, name)]
            Path(os.fsdecode(place + b"/" + paths[0])).write_bytes(name)
            os.symlink(name, place + b"/" + paths[1])
            os.mkdir(place + b"/" + paths[2])
            listed.extend(map(os.fsdecode, paths))
        path = where
        while len(path) + 201 < 3500:
            path += b"/" + b"\xfe" * 200
            os.mkdir(place + b"/" + path)
            listed.append(os.fsdecode(path))
    stack.add(GNU, ".", *layers[b"gnu"])
    stack.add(BSD, *layers[b"bsd"])
    image = stack.image().removeprefix("oci:")
    run(["umoci", "unpack", "--image", image, folder / "bundle"])
    root = folder / "bundle" / "rootfs"
    run(["cp", "-a", "umoci", root], cwd=stack.root)
    run(["sh", "-ec", f"find umoci -exec touch -h -d @1500000000 {{}} +; {_FOLDERS}"], cwd=root)
    run(["umoci", "repack", "--image", image, folder / "bundle"])
    return Nasty(f"oci:{image}", mounts.packed(root, folder))


def huge(folder: Path) -> Stack:
    """One file of more than 8 GiB, `huge/file`, with content at its ends and in the middle."""
    need("tar")
    stack = Stack(folder)
    stack.sh(
        f"""
        mkdir huge; echo start >huge/file; truncate -s {HUGE} huge/file
        echo middle | dd of=huge/file bs=1M seek=4096 conv=notrunc
        printf end | dd of=huge/file bs=1 seek={HUGE - 3} conv=notrunc
        """
    )
    stack.add([*GNU, "--sparse"])
    return stack


IMAGES: dict[str, Callable[[Path], Nasty]] = {each.__name__: each for each in (capable, linked, covered, sparse, named)}
