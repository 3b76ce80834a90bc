import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError
from bootworthy.layers.entry import Entry
from bootworthy.layers.merge import merge
from bootworthy.layers.node import Chunk, Kind, Node, Tree
from tests.made_layers import entry, index_of, merged

DIR, LINK, HARD = Kind.DIRECTORY, Kind.SYMLINK, None


def shape(tree: Tree) -> dict[str, str]:
    """Each path with a letter for its kind; links with where they point; a file with its mtime as its identity."""
    found = {}
    for path, node in tree.walk():
        if path:
            letter = {DIR: "d", LINK: f"-> {node.target.decode()}", Kind.FILE: f"f{node.mtime}"}.get(node.kind, "?")
            found[path.decode()] = letter
    return found


def file(path: str, mark: int = 0) -> Entry:
    return entry(path, mtime=mark)


def directory(path: str, **fields: object) -> Entry:
    return entry(path, DIR, **fields)


def link(path: str, target: str) -> Entry:
    return entry(path, LINK, target=target.encode())


def hard(path: str, target: str) -> Entry:
    return entry(path, HARD, target=target.encode())


def refused(*layers: Sequence[Entry]) -> IntegrityError:
    with pytest.raises(IntegrityError) as caught:
        merged(*layers)
    return caught.value


LOWER = [directory("d", mode=0o700), file("d/a", 1), file("d/b", 2), directory("d/e"), file("d/e/f", 3), file("g", 4)]


@pytest.mark.parametrize(
    ("upper", "wanted"),
    [
        ([], {"d": "d", "d/a": "f1", "d/b": "f2", "d/e": "d", "d/e/f": "f3", "g": "f4"}),
        ([file("d/.wh.a")], {"d": "d", "d/b": "f2", "d/e": "d", "d/e/f": "f3", "g": "f4"}),
        ([file(".wh.d")], {"g": "f4"}),
        ([file(".wh.d"), file(".wh.d"), file(".wh.absent"), file("no/such/.wh.x"), file("g/.wh.x")], {"g": "f4"}),
        ([file("d/.wh..wh..opq")], {"d": "d", "g": "f4"}),
        ([file("d/x", 9), file("d/.wh..wh..opq"), file("d/y", 8)], {"d": "d", "d/x": "f9", "d/y": "f8", "g": "f4"}),
        ([file(".wh..wh..opq"), file("x", 9)], {"x": "f9"}),
        ([file("d/a", 9), file("d/.wh.a"), file(".wh.d")], {"d": "d", "d/a": "f9", "g": "f4"}),
        ([file("d", 9)], {"d": "f9", "g": "f4"}),
        ([file(".wh.d"), directory("g"), file("g/x", 9)], {"g": "d", "g/x": "f9"}),
        ([file("d", 9), directory("d"), file("d/x", 8)], {"d": "d", "d/x": "f8", "g": "f4"}),
        ([file(".wh..wh.plnk/1.2", 9), directory(".wh..wh.aufs"), file("d/.wh..wh.orph/x")],
         {"d": "d", "d/a": "f1", "d/b": "f2", "d/e": "d", "d/e/f": "f3", "g": "f4"}),
        ([file("d/.wh.e"), file("./d/./a", 9), file(".//g", 8)], {"d": "d", "d/a": "f9", "d/b": "f2", "g": "f8"}),
    ],
)  # fmt: skip
def test_changesets(upper: list[Entry], wanted: dict[str, str]) -> None:
    assert shape(merged(LOWER, upper)) == wanted


def test_metadata_of_a_later_directory_replaces_and_keeps_the_children() -> None:
    tree = merged(LOWER, [directory("d", mode=0o1777, uid=5, gid=6, mtime=7, xattrs=((b"user.x", b"y"),))])
    node = tree.find(b"d")
    assert node is not None
    assert (node.mode, node.uid, node.gid, node.mtime, node.xattrs) == (0o1777, 5, 6, 7, ((b"user.x", b"y"),))
    assert list(node.children) == [b"a", b"b", b"e"]


@pytest.mark.parametrize("path", [".", "", "./."])
def test_the_root_entry_describes_the_root(path: str) -> None:
    root = merged(LOWER, [directory(path, mode=0o711, uid=9)]).root
    assert (root.mode, root.uid, len(root.children)) == (0o711, 9, 2)


def test_missing_parents_are_made() -> None:
    tree = merged([file("a/b/c", 1)])
    node = tree.find(b"a/b")
    assert node is not None
    assert (node.kind, node.mode, node.uid, node.gid, node.mtime) == (DIR, 0o755, 0, 0, 0)


USRMERGE = [directory("usr"), directory("usr/lib"), file("usr/lib/x", 1), link("lib", "usr/lib")]


@pytest.mark.parametrize(
    ("upper", "wanted"),
    [
        ([file("lib/y", 2)], {"usr/lib/y": "f2", "usr/lib/x": "f1"}),
        ([directory("lib/sub"), file("lib/sub/y", 2)], {"usr/lib/x": "f1", "usr/lib/sub": "d", "usr/lib/sub/y": "f2"}),
        ([file("lib/.wh.x")], {}),
        ([file("lib/.wh..wh..opq"), file("lib/y", 2)], {"usr/lib/y": "f2"}),
    ],
)
def test_entries_go_through_a_symlinked_parent(upper: list[Entry], wanted: dict[str, str]) -> None:
    assert shape(merged(USRMERGE, upper)) == {"usr": "d", "usr/lib": "d", "lib": "-> usr/lib"} | wanted


@pytest.mark.parametrize("marker", ["lib/.wh..wh..opq", "lib/.wh.x", "lib/sub/.wh.x"])
def test_a_directory_in_the_place_of_a_link_leaves_what_the_link_led_to(marker: str) -> None:
    """An overlay tells "the link became a directory" by an opaque directory: that must not empty /usr/lib."""
    tree = merged(USRMERGE, [file(marker), directory("lib"), file("lib/y", 2)])
    assert shape(tree) == {"usr": "d", "usr/lib": "d", "usr/lib/x": "f1", "lib": "d", "lib/y": "f2"}


def test_a_deeper_directory_in_the_place_of_a_link() -> None:
    lower = [directory("b"), directory("b/real"), file("b/real/x", 1), link("a", "b"), link("b/c", "real")]
    tree = merged(lower, [directory("a/c"), file("a/c/.wh..wh..opq")])
    assert shape(tree) == {"a": "-> b", "b": "d", "b/real": "d", "b/real/x": "f1", "b/c": "d"}


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("/usr", "usr/f"),
        ("../../../usr", "usr/f"),
        ("new/place", "new/place/f"),
        ("./usr/../usr/.", "usr/f"),
        ("/", "f"),
    ],
)
def test_links_never_lead_out_of_the_tree(target: str, where: str) -> None:
    tree = merged([directory("usr"), link("l", target)], [file("l/f", 5)])
    assert shape(tree)[where] == "f5"


def test_links_in_a_circle_are_refused() -> None:
    assert refused([link("a", "b"), link("b", "a")], [file("a/x")]).code == "layer.bad-entry"


def test_links_are_followed_while_they_change() -> None:
    tree = merged(
        [directory("one"), directory("two"), link("l", "one"), file("l/a", 1), link("l", "two"), file("l/b", 2)]
    )
    assert shape(tree) == {"one": "d", "one/a": "f1", "two": "d", "two/b": "f2", "l": "-> two"}


def test_hard_links_are_one_node() -> None:
    tree = merged(
        [file("a", 1), hard("b", "a"), hard("./c", "./b"), link("s", "a"), hard("t", "s")],
        [directory("d"), hard("d/e", "c"), file("a", 2)],
    )
    children = tree.root.children
    assert children[b"b"] is children[b"c"] is children[b"d"].children[b"e"]
    assert children[b"s"] is children[b"t"]
    assert children[b"a"] is not children[b"b"]
    assert shape(tree)["b"] == "f1"


def test_a_hard_link_goes_through_linked_parents_but_not_through_its_last_name() -> None:
    tree = merged(USRMERGE, [hard("lib/z", "lib/x"), hard("l2", "lib")])
    assert tree.find(b"usr/lib/z") is tree.find(b"usr/lib/x")
    assert tree.root.children[b"l2"].kind is LINK


@pytest.mark.parametrize("target", ["absent", "absent/x", "d", ".", "g/x"])
def test_hard_links_to_nothing_or_to_directories_are_refused(target: str) -> None:
    assert refused(LOWER, [hard("h", target)]).code == "layer.bad-link"


def test_a_hard_link_may_not_name_what_its_layer_hid() -> None:
    assert refused(LOWER, [file(".wh.g"), hard("h", "g")]).code == "layer.bad-link"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (file("/etc/passwd"), "layer.escape"),
        (file("../x"), "layer.escape"),
        (file("a/../../x"), "layer.escape"),
        (file("a/.."), "layer.escape"),
        (hard("x", "../y"), "layer.escape"),
        (hard("x", "/g"), "layer.escape"),
        (file("/.wh.x"), "layer.escape"),
        (file("n" * 256), "layer.name-too-long"),
        (file("n" * 256 + "/x"), "layer.name-too-long"),
        (file("g/x"), "layer.bad-entry"),
        (file("."), "layer.bad-entry"),
        (file(".wh."), "layer.bad-entry"),
        (file("d/.wh..."), "layer.bad-entry"),
        (file(".wh.."), "layer.bad-entry"),
        (link("x", ""), "layer.bad-entry"),
        (link("x", "t" * 4096), "layer.bad-entry"),
    ],
)
def test_refused(bad: Entry, code: str) -> None:
    error = refused(LOWER, [bad])
    assert error.code == code
    assert error.where is not None


def test_a_link_whose_target_has_too_long_a_name_makes_no_such_directory() -> None:
    assert refused([link("l", "n" * 300)], [file("l/x")]).code == "layer.name-too-long"


def test_names_of_255_bytes_and_names_that_are_no_text() -> None:
    tree = merged([entry(b"\xff\xfe\n" + b"n" * 252), entry(b"caf\xe9/\x01")])
    assert set(tree.root.children) == {b"\xff\xfe\n" + b"n" * 252, b"caf\xe9"}


def test_depth_costs_no_recursion() -> None:
    path = "/".join(["d"] * 5000)
    tree = merged([file(path + "/f", 1)], [file(path + "/.wh.f"), file(path + "/g", 2)])
    node = tree.root
    for _ in range(5000):
        node = node.children[b"d"]
    assert list(node.children) == [b"g"]


def test_chunks_point_into_the_body_of_their_layer() -> None:
    lower = index_of([entry("a", size=3, chunks=(Chunk(0, 3, 0, 4096),))])
    upper = index_of([entry("b", size=3, chunks=(Chunk(0, 3, 0, 8192),)), hard("c", "a")])
    tree = merge([lower, upper], [Path("one"), Path("two")])
    assert tree.bodies == (Path("one"), Path("two"))
    assert tree.root.children[b"b"].chunks == (Chunk(0, 3, 1, 8192),)
    assert tree.root.children[b"c"].chunks == (Chunk(0, 3, 0, 4096),)


# random stacks against a model that is slow and plain: a dictionary from whole paths to nodes

NAMES = st.sampled_from("abc")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
ADDITIONS = st.tuples(st.sampled_from(["file", "directory", "link", "hard"]), PATHS, PATHS)
WHITEOUTS = st.tuples(st.sampled_from(["whiteout", "opaque"]), PATHS)


@dataclasses.dataclass(eq=False)
class Item:
    """A node of the model."""

    kind: str
    mark: int


class Model:
    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def below(self, path: str) -> list[str]:
        return [name for name in self.items if name.startswith(path + "/")]

    def drop(self, path: str) -> None:
        for name in [*self.below(path), path]:
            self.items.pop(name, None)

    def clear_way(self, path: str) -> bool:
        """Whether everything above a path is a directory or not there: the model knows nothing of links."""
        parts = path.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        return all(name not in self.items or self.items[name].kind == "directory" for name in above)

    def hide(self, what: str, path: str) -> None:
        if not self.clear_way(path):
            return
        if what == "whiteout":
            self.drop(path)
        elif path in self.items and self.items[path].kind == "directory":
            for name in self.below(path):
                del self.items[name]

    def add(self, kind: str, path: str, target: str, mark: int) -> bool:
        if not self.clear_way(path):
            return False
        if kind == "hard":
            there = self.items.get(target)
            if there is None or there.kind == "directory" or not self.clear_way(target):
                return False
            item = there
        else:
            item = Item(kind, mark)
        old = self.items.get(path)
        if old is not None and old.kind == kind == "directory":
            old.mark = mark
        else:
            self.drop(path)
            self.items[path] = item
        parts = path.split("/")
        for depth in range(1, len(parts)):
            self.items.setdefault("/".join(parts[:depth]), Item("directory", 0))
        return True


def made(kind: str, path: str, target: str, mark: int) -> Entry:
    if kind == "hard":
        return hard(path, target)
    kinds = {"file": Kind.FILE, "directory": DIR, "link": LINK}
    return entry(path, kinds[kind], mtime=mark, target=b"nowhere" if kind == "link" else b"")


def inside(whiteout: tuple[str, str]) -> str:
    """What a whiteout changes: the content of a directory, or a name in one."""
    what, path = whiteout
    return f"{path}/" if what == "opaque" else path


def marker(what: str, path: str) -> Entry:
    parent, _, name = path.rpartition("/")
    return file(f"{path}/.wh..wh..opq" if what == "opaque" else f"{parent}/.wh.{name}".lstrip("/"))


@given(st.lists(st.tuples(st.lists(ADDITIONS, max_size=8), st.lists(WHITEOUTS, max_size=4)), max_size=4), st.randoms())
@settings(max_examples=400, deadline=None)
def test_stacks_are_what_the_model_says(
    drawn: list[tuple[list[tuple[str, str, str]], list[tuple[str, str]]]],
    random: object,
) -> None:
    model = Model()
    layers = []
    mark = 0
    for additions, whiteouts in drawn:
        # the model knows no links, and so no directory that takes the place of one over what is hidden
        links = [path for path, item in model.items.items() if item.kind == "link"]
        usable = [each for each in whiteouts if not any(inside(each).startswith(f"{path}/") for path in links)]
        for what, path in usable:
            model.hide(what, path)
        layer = []
        for kind, path, target in additions:
            mark += 1
            if model.add(kind, path, target, mark):
                layer.append(made(kind, path, target, mark))
        for what, path in usable:
            layer.insert(random.randint(0, len(layer)), marker(what, path))  # type: ignore[attr-defined]
        layers.append(layer)
    tree = merged(*layers)
    found: dict[str, Node] = {path.decode(): node for path, node in tree.walk() if path}
    assert {path: _told(node) for path, node in found.items()} == {
        path: (item.kind, item.mark) for path, item in model.items.items()
    }
    names = list(found)
    for one in names:
        for other in names:
            assert (found[one] is found[other]) == (model.items[one] is model.items[other])


def _told(node: Node) -> tuple[str, int]:
    return {Kind.FILE: "file", DIR: "directory", LINK: "link"}[node.kind], node.mtime


def test_a_directory_is_the_same_however_its_path_is_spelled() -> None:
    layer = [directory("a/b/."), file("a/b/x", 1), file("./a/b/y", 2), file("a//b/z", 3), file("a/./b/w", 4)]
    assert shape(merged(layer)) == {"a": "d", "a/b": "d", "a/b/w": "f4", "a/b/x": "f1", "a/b/y": "f2", "a/b/z": "f3"}


def test_an_absolute_path_is_refused_behind_one_of_the_root() -> None:
    assert refused([file("x"), file("y"), file("/z")]).code == "layer.escape"


def test_a_directory_that_becomes_a_link_is_not_remembered() -> None:
    layer = [directory("old"), directory("new"), file("old/x", 1), link("old", "new"), file("old/y", 2)]
    assert shape(merged(layer)) == {"new": "d", "new/y": "f2", "old": "-> new"}
