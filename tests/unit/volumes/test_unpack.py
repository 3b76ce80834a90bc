from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings

from bootworthy.errors import BootworthyError, HostError, NotFoundError, RefusedError, SpaceError, UsageError
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.volumes import planting
from bootworthy.volumes.unpack import read, unpack
from tests.needs import need_root
from tests.trees import CAPABILITY, Body, directory, roots

SECOND = 10**9


def link(target: bytes) -> Node:
    return Node(Kind.SYMLINK, 0o777, target=target)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A little of everything that needs no privilege to be unpacked."""
    body = Body()
    hello = body.file(b"hello\n", 0o644, mtime=7 * SECOND)
    root = directory(
        {
            b"bin": link(b"usr/bin"),
            b"boot": directory({b"vmlinux": body.file(b"kernel" * 3000), b"config-6.1": body.file(b"y")}),
            b"etc": directory({b"motd": hello, b"shut": directory({b"in": body.file(b"!")}, 0o500)}, mtime=9 * SECOND),
            b"usr": directory(
                {b"bin": directory({b"su": body.file(b"su", 0o4755), b"again": hello, b"up": link(b"../../etc/motd")})}
            ),
            b"disk": body.sparse([(1 << 20, b"middle")], 3 << 20),
            b"empty": body.file(b""),
        }
    )
    return body.tree(root, tmp_path / "body")


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def attribute(place: bytes, name: str) -> bytes:
    try:
        return os.getxattr(place, name, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return b""  # an empty capability is kept, and cannot be read


def seen(path: Path) -> dict[bytes, tuple[object, ...]]:
    """All that lstat, readlink and the attributes say of everything in a folder."""
    found: dict[bytes, tuple[object, ...]] = {}
    first: dict[int, bytes] = {}
    for top, folders, names in os.walk(os.fsencode(path), followlinks=False):
        for name in [*folders, *names, *([b"."] if top == os.fsencode(path) else [])]:
            place = os.path.join(top, name)
            status = os.lstat(place)
            kind = Kind(stat.S_IFMT(status.st_mode))
            device = (os.major(status.st_rdev), os.minor(status.st_rdev))
            attributes = {
                os.fsencode(each): attribute(place, each) for each in os.listxattr(place, follow_symlinks=False)
            }
            own = os.path.normpath(os.path.relpath(place, os.fsencode(path)))
            group = first.setdefault(status.st_ino, own) if kind is not Kind.DIRECTORY else own
            found[own] = (
                kind, stat.S_IMODE(status.st_mode) if kind is not Kind.SYMLINK else 0, status.st_uid, status.st_gid,
                status.st_mtime_ns, Path(os.fsdecode(place)).read_bytes() if kind is Kind.FILE else b"",
                os.readlink(place) if kind is Kind.SYMLINK else b"",
                device if kind in {Kind.CHARACTER, Kind.BLOCK} else (0, 0), attributes, group,
            )  # fmt: skip
    return found


def wanted(tree: Tree) -> dict[bytes, tuple[object, ...]]:
    """The same, as the tree has it."""
    names: dict[int, bytes] = {}
    for path, node in tree.walk():
        names[id(node)] = min(names.get(id(node), path or b"."), path or b".")
    return {
        path or b".": (
            node.kind, node.mode if node.kind is not Kind.SYMLINK else 0, node.uid, node.gid,
            max(node.mtime, -(2**31) * SECOND) if node.mtime // SECOND > -(2**31) else -(2**31) * SECOND,
            tree.read(node) if node.kind is Kind.FILE else b"", node.target,
            node.device, dict(node.xattrs), names[id(node)],
        )
        for path, node in tree.walk()
    }  # fmt: skip


def regrouped(found: dict[bytes, tuple[object, ...]]) -> dict[bytes, tuple[object, ...]]:
    """Names of one inode say the least of their names, whatever order a folder is read in."""
    least: dict[object, bytes] = {}
    for path, facts in found.items():
        least[facts[-1]] = min(least.get(facts[-1], path), path)
    return {path: (*facts[:-1], least[facts[-1]]) for path, facts in found.items()}


class TestWholeImages:
    def test_files_links_holes_and_times_arrive(self, tree: Tree, tmp_path: Path) -> None:
        out = tmp_path / "out"
        done = unpack(tree, out, plain=True)
        assert (out / "etc/motd").read_bytes() == b"hello\n"
        assert os.readlink(out / "bin") == "usr/bin"
        assert (out / "usr/bin/again").stat().st_ino == (out / "etc/motd").stat().st_ino
        assert (out / "disk").read_bytes() == bytes(1 << 20) + b"middle" + bytes((2 << 20) - 6)
        assert (out / "disk").stat().st_blocks * 512 < 1 << 20
        assert (out / "etc").stat().st_mtime_ns == 9 * SECOND
        assert stat.S_IMODE((out / "etc/shut").stat().st_mode) == 0o500
        assert done.names == 16
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    def test_what_cannot_be_kept_is_recorded_beside(self, tree: Tree, tmp_path: Path) -> None:
        null = Node(Kind.CHARACTER, 0o666, device=(1, 3))
        tree.root.children[b"dev"] = directory({b"null": null, b"\xff": null})
        motd = tree.root.children[b"etc"].children[b"motd"]
        motd.gid, motd.xattrs = 42, ((b"security.capability", CAPABILITY), (b"user.kept", b"1"))
        done = unpack(tree, tmp_path / "out", name="img", plain=True)
        assert not (tmp_path / "out/dev/null").exists()
        assert stat.S_IMODE((tmp_path / "out/usr/bin/su").stat().st_mode) == 0o755
        assert done.owners == tmp_path / "out.owners.json"
        document = json.loads(done.owners.read_bytes())
        assert (document["schema"], document["image"], document["kept"]) == ("bootworthy.owners/1", "img", False)
        entries = {entry["path"]: entry for entry in document["entries"]}
        assert entries["dev/null"] == {"path": "dev/null", "kind": "character", "device": [1, 3], "mode": "0666"}
        assert entries["dev/\\xff"]["path-base64"] == "ZGV2L/8="
        assert entries["usr/bin/su"]["mode"] == "4755"
        assert entries["etc/motd"]["gid"] == 42
        assert list(entries["etc/motd"]["xattrs"]) == ["security.capability"]
        assert "boot" not in entries

    @settings(max_examples=40, deadline=None)
    @given(roots())
    def test_as_root_everything_is_kept(
        self, tmp_path_factory: pytest.TempPathFactory, made: tuple[Body, Node]
    ) -> None:
        need_root("owners and devices")
        folder = tmp_path_factory.mktemp("random")
        tree = made[0].tree(made[1], folder / "body")
        done = unpack(tree, folder / "out")
        found, left = regrouped(seen(folder / "out")), {id(each.node) for each in done.left}
        expected = wanted(tree)
        assert found.keys() == expected.keys()
        for path, node in tree.walk():
            facts, there = expected[path or b"."], found[path or b"."]
            if id(node) not in left:
                assert there == facts
            else:  # an attribute that this disk does not keep on such a thing
                assert (*there[:8], there[9]) == (*facts[:8], facts[9])

    @pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
    def test_the_umask_changes_nothing(self, tree: Tree, tmp_path: Path, mask: int) -> None:
        before = os.umask(mask)
        try:
            unpack(tree, tmp_path / "out", plain=True)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "out/boot").stat().st_mode) == 0o755
        assert stat.S_IMODE((tmp_path / "out/boot/vmlinux").stat().st_mode) == 0o644

    @pytest.mark.parametrize(("depth", "length", "fits"), [(499, 1, True), (500, 1, False), (21, 200, False)])
    def test_what_is_too_deep_for_a_path_is_refused(self, tmp_path: Path, depth: int, length: int, fits: bool) -> None:
        node = directory({b"end": Node(Kind.FILE, 0o644)})
        for _ in range(depth):
            node = directory({b"d" * length: node})
        if fits:
            unpack(Tree(node), tmp_path / "out", plain=True)
            assert (tmp_path / "out" / ("d/" * depth) / "end").exists()
            return
        with pytest.raises(RefusedError) as caught:
            unpack(Tree(node), tmp_path / "out", plain=True)
        assert caught.value.code == "unpack.too-deep"
        assert not list(tmp_path.iterdir())


class TestParts:
    @pytest.mark.parametrize(
        ("paths", "there"),
        [
            (["boot/vmlinux"], ["boot", "boot/vmlinux"]),
            (["/boot/"], ["boot", "boot/config-6.1", "boot/vmlinux"]),
            (["boot/c*", "empty"], ["boot", "boot/config-6.1", "empty"]),
            (["bin/su"], ["usr", "usr/bin", "usr/bin/su"]),
            (["bin/up"], ["usr", "usr/bin", "usr/bin/up"]),
            (["bin"], ["bin"]),
            (["*/motd"], ["etc", "etc/motd"]),
            (["boot/../empty"], ["empty"]),
        ],
    )
    def test_paths_and_globs(self, tree: Tree, tmp_path: Path, paths: list[str], there: list[str]) -> None:
        unpack(tree, tmp_path / "out", paths, plain=True)
        assert listing(tmp_path / "out") == there

    @pytest.mark.parametrize(
        ("path", "near"),
        [("boot/vmlinuz", "/boot/vmlinux"), ("lib/motd", "/etc/motd"), ("bin/suu", "/usr/bin/su"), ("x*", "/bin")],
    )
    def test_a_path_that_is_not_there_names_the_nearest(self, tree: Tree, tmp_path: Path, path: str, near: str) -> None:
        with pytest.raises(NotFoundError) as caught:
            unpack(tree, tmp_path / "out", [path])
        assert near in (caught.value.hint or "")
        assert not (tmp_path / "out").exists()

    def test_one_file_as_a_stream(self, tree: Tree) -> None:
        assert b"".join(read(tree, "/disk", "img")) == bytes(1 << 20) + b"middle" + bytes((2 << 20) - 6)
        assert b"".join(read(tree, "bin/up", "img")) == b"hello\n"
        assert b"".join(read(tree, "boot/vm*", "img")) == b"kernel" * 3000
        assert b"".join(read(tree, "empty", "img")) == b""
        with pytest.raises(UsageError):
            read(tree, "boot", "img")
        with pytest.raises(NotFoundError):
            read(tree, "boot/x", "img")


class TestFoldersThatAreThere:
    def test_more_comes_beside_what_was_there(self, tree: Tree, tmp_path: Path) -> None:
        out = tmp_path / "out"
        (out / "boot").mkdir(parents=True, mode=0o711)
        (out / "boot/own").write_text("mine")
        unpack(tree, out, ["boot/vmlinux"], plain=True)
        unpack(tree, out, ["etc"], plain=True)
        assert listing(out) == ["boot", "boot/own", "boot/vmlinux", "etc", "etc/motd", "etc/shut", "etc/shut/in"]
        assert stat.S_IMODE((out / "boot").stat().st_mode) == 0o711
        assert stat.S_IMODE((out / "etc/shut").stat().st_mode) == 0o500
        assert (out / "etc").stat().st_mtime_ns == 9 * SECOND

    def test_nothing_is_replaced_unasked(self, tree: Tree, tmp_path: Path) -> None:
        out = tmp_path / "out"
        (out / "boot").mkdir(parents=True)
        (out / "boot/vmlinux").write_text("mine")
        for paths in ([], ["boot"]):
            with pytest.raises(UsageError) as caught:
                unpack(tree, out, paths, plain=True)
            assert caught.value.code == "unpack.exists"
        assert listing(out) == ["boot", "boot/vmlinux"]
        unpack(tree, out, ["boot/vmlinux"], plain=True, force=True)
        assert (out / "boot/vmlinux").read_bytes() == b"kernel" * 3000
        unpack(tree, out, plain=True, force=True)
        assert (out / "etc/motd").exists()

    def test_an_empty_folder_is_filled(self, tree: Tree, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        unpack(tree, tmp_path / "out", plain=True)
        assert (tmp_path / "out/etc/motd").exists()
        assert not list((tmp_path / "out").glob(".*"))

    @pytest.mark.parametrize("plant", ["folder", "file"])
    def test_a_file_and_a_folder_do_not_take_each_others_place(self, tree: Tree, tmp_path: Path, plant: str) -> None:
        out = tmp_path / "out"
        out.mkdir()
        place = out / ("disk" if plant == "folder" else "etc")
        place.mkdir() if plant == "folder" else place.write_text("mine")
        with pytest.raises(HostError) as caught:
            unpack(tree, out, plain=True, force=True)
        assert caught.value.code == "unpack.in-the-way"
        assert listing(out) == [place.name]

    def test_records_of_several_times_add_up(self, tree: Tree, tmp_path: Path) -> None:
        tree.root.children[b"empty"].uid = 7
        for path in ("usr", "empty"):
            unpack(tree, tmp_path / "out", [path], plain=True)
        entries = json.loads((tmp_path / "out.owners.json").read_bytes())["entries"]
        assert {entry["path"] for entry in entries} == {"usr/bin/su", "empty"}

    def test_a_file_is_no_folder(self, tree: Tree, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("mine")
        with pytest.raises(UsageError):
            unpack(tree, tmp_path / "out")
        (tmp_path / "dangling").symlink_to("nowhere")
        with pytest.raises(UsageError):
            unpack(tree, tmp_path / "dangling")


class TestEscapes:
    """Nothing is written outside the folder, whoever put a link where."""

    def outside(self, tmp_path: Path) -> Path:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside/motd").write_text("mine")
        return tmp_path / "outside"

    def test_a_link_in_the_place_of_a_folder(self, tree: Tree, tmp_path: Path) -> None:
        outside = self.outside(tmp_path)
        (tmp_path / "out").mkdir()
        (tmp_path / "out/etc").symlink_to(outside)
        for paths in ([], ["etc/motd"]):
            with pytest.raises(HostError) as caught:
                unpack(tree, tmp_path / "out", paths, plain=True, force=True)
            assert caught.value.code == "unpack.in-the-way"
        assert (outside / "motd").read_text() == "mine"
        assert listing(outside) == ["motd"]

    def test_a_link_in_the_place_of_a_file_is_replaced_itself(self, tree: Tree, tmp_path: Path) -> None:
        outside = self.outside(tmp_path)
        (tmp_path / "out/etc").mkdir(parents=True)
        (tmp_path / "out/etc/motd").symlink_to(outside / "motd")
        unpack(tree, tmp_path / "out", ["etc/motd"], plain=True, force=True)
        assert (outside / "motd").read_text() == "mine"
        assert not (tmp_path / "out/etc/motd").is_symlink()

    def test_a_link_in_the_place_of_the_record_is_replaced_itself(self, tree: Tree, tmp_path: Path) -> None:
        outside = self.outside(tmp_path)
        (tmp_path / "out.owners.json").symlink_to(outside / "motd")
        unpack(tree, tmp_path / "out", plain=True)
        unpack(tree, tmp_path / "out", plain=True, force=True)
        assert (outside / "motd").read_text() == "mine"
        assert not (tmp_path / "out.owners.json").is_symlink()

    def test_links_of_the_image_point_where_they_like(self, tmp_path: Path) -> None:
        outside = self.outside(tmp_path)
        root = directory({b"a": link(os.fsencode(outside)), b"b": link(b"../../../../etc/passwd"), b"c": link(b"a")})
        unpack(Tree(root), tmp_path / "out", plain=True)
        assert os.readlink(tmp_path / "out/a") == str(outside)
        assert listing(outside) == ["motd"]
        with pytest.raises(NotFoundError):
            unpack(Tree(root), tmp_path / "more", ["a/motd"], plain=True)

    @pytest.mark.parametrize("moment", range(1, 40, 2))
    def test_somebody_swaps_folders_for_links_meanwhile(
        self, tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
    ) -> None:
        """At each of many moments every folder of the target becomes a link to one outside."""
        outside = self.outside(tmp_path)
        out = tmp_path / "out"
        (out / "etc").mkdir(parents=True)
        (out / "boot").mkdir()
        count = 0
        opened = planting.open_below

        def swapping(base: int, path: tuple[bytes, ...]) -> object:
            nonlocal count
            count += 1
            if count == moment:
                for name in ("etc", "boot"):
                    (out / name).rename(tmp_path / name)
                    (out / name).symlink_to(outside)
            return opened(base, path)

        monkeypatch.setattr("bootworthy.volumes.planting.open_below", swapping)
        monkeypatch.setattr("bootworthy.volumes.unpack.open_below", swapping)
        mode = outside.stat().st_mode
        try:
            unpack(tree, out, ["etc", "boot"], plain=True)
        except BootworthyError as error:
            assert error.code in {"unpack.in-the-way", "unpack.exists"}  # noqa: PT017
        assert listing(outside) == ["motd"]
        assert (outside / "motd").read_text() == "mine"
        assert outside.stat().st_mode == mode


class _Stopping:
    """A progress that is interrupted when so many bytes are done."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def note(self, message: str) -> None: ...

    def task(self, title: str, total: int | None = None) -> _Stopping:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def advance(self, amount: int) -> None:
        raise self._error

    def skip(self, amount: int) -> None: ...


class TestWhatGoesWrong:
    @pytest.mark.parametrize("there", [False, True])
    @pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
    def test_nothing_half_stays(self, tree: Tree, tmp_path: Path, error: BaseException, there: bool) -> None:
        out = tmp_path / "new/out"
        if there:
            out.mkdir(parents=True)
        with pytest.raises((KeyboardInterrupt, SpaceError)):
            unpack(tree, out, plain=True, progress=_Stopping(error))
        assert [path.name for path in (tmp_path / "new").rglob("*")] == (["out"] if there else [])

    def test_a_body_that_lost_its_end(self, tree: Tree, tmp_path: Path) -> None:
        os.truncate(tree.bodies[0], 4096)
        with pytest.raises(BootworthyError) as caught:
            unpack(tree, tmp_path / "out", plain=True)
        assert caught.value.code == "layer.short-body"
        assert not (tmp_path / "out").exists()

    def test_what_a_killed_one_left_goes_with_the_next(self, tree: Tree, tmp_path: Path) -> None:
        left = tmp_path / ".out.abcd1234.scratch"
        (left / "etc").mkdir(parents=True)
        unpack(tree, tmp_path / "out", plain=True)
        assert not left.exists()


class TestWithoutRoot:
    """The same by somebody who is not root, in a process of its own."""

    @pytest.fixture
    def home(self) -> Iterator[Path]:
        need_root("to become somebody else")
        with tempfile.TemporaryDirectory() as folder:
            os.chown(folder, 65534, 65534)
            yield Path(folder)

    def as_nobody(self, work: Callable[[], None]) -> None:
        pid = os.fork()
        if not pid:
            status = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                work()
                status = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0

    def test_closed_folders_are_filled_and_removed_again(self, tree: Tree, home: Path) -> None:
        tree.root.children[b"closed"] = directory({b"in": directory({b"f": Node(Kind.FILE, 0)}, 0)}, 0)
        body = home / "body"
        body.write_bytes(tree.bodies[0].read_bytes())
        body.chmod(0o644)
        tree = Tree(tree.root, (body,))

        def work() -> None:
            unpack(tree, home / "out")
            (home / "there").mkdir()
            unpack(tree, home / "there")

        self.as_nobody(work)
        for name in ("out", "there"):
            assert (home / name / "closed/in").stat().st_mode & 0o7777 == 0
            assert (home / name / "closed/in/f").stat().st_uid == 65534

    def test_closed_folders_are_removed_when_it_fails(
        self, tree: Tree, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = Tree(directory({b"closed": directory({b"in": directory({b"f": Node(Kind.FILE, 0)}, 0)}, 0)}))

        def fails() -> None:
            def rename(*_: object) -> None:
                raise KeyboardInterrupt

            monkeypatch.setattr(Path, "rename", rename)
            with pytest.raises(KeyboardInterrupt):
                unpack(closed, home / "out")

        self.as_nobody(fails)
        assert [path.name for path in home.iterdir()] == []
