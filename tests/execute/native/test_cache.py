"""What the cache on disk trusts, and that nothing which is wrong with it does more than cost time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chainrule.execute.native import cache as module
from chainrule.execute.native.cache import Cache, key, user_cache

KEY, OTHER = key("text", "target"), key("text", "another target")
DATA = bytes(range(256)) * 20
HEADER = module._HEADER  # pyright: ignore[reportPrivateUsage]
ON_POSIX = os.name == "posix"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    filled = Cache(tmp_path / "kernels")
    filled.write(KEY, DATA)
    assert filled.read([KEY]) == {KEY: DATA}
    return filled


def path_of(cache: Cache, name: str = KEY) -> Path:
    assert cache.folder is not None
    return cache.folder / f"{name}.kernel"


def flipped(place: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing left": lambda content: b"",
    "cut within the magic": lambda content: content[:9],
    "cut within the header": lambda content: content[: HEADER - 1],
    "only the header": lambda content: content[:HEADER],
    "cut within the data": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "a foreign file": lambda content: b"\x7fELF" + DATA,
    "zeros": lambda content: bytes(len(content)),
    "without a header": lambda content: content[HEADER:],
    **{
        f"byte {place} changed": flipped(place)
        for place in (0, 20, HEADER - 30, HEADER - 1, HEADER, 4000, -1)
    },
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_ignored_and_written_anew(cache: Cache, damage: Callable[[bytes], bytes]) -> None:
    path = path_of(cache)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.read([KEY]) == {}
    cache.write(KEY, DATA)
    assert cache.read([KEY]) == {KEY: DATA}


def test_a_file_that_was_written_for_another_key_is_ignored(cache: Cache) -> None:
    path_of(cache, OTHER).write_bytes(path_of(cache).read_bytes())
    assert cache.read([KEY, OTHER]) == {KEY: DATA}


def test_one_bad_file_does_not_hide_the_others(cache: Cache) -> None:
    cache.write(OTHER, DATA[:9])
    path_of(cache).write_bytes(b"")
    assert cache.read([KEY, OTHER, key("never written")]) == {OTHER: DATA[:9]}


def test_the_key_depends_on_every_part_and_where_it_ends() -> None:
    keys = {key("a", "b"), key("b", "a"), key("ab", ""), key("ab"), key("a", "b", ""), key("", "ab")}
    assert len(keys) == 6
    assert all(name.isalnum() for name in keys)


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for folder in (tmp_path / "file", tmp_path / "file" / "kernels"):
        hopeless = Cache(folder)
        hopeless.write(KEY, DATA)
        assert hopeless.read([KEY]) == {}
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_folder_under_the_name_of_a_file_is_no_error(cache: Cache) -> None:
    path_of(cache).unlink()
    path_of(cache).mkdir()
    cache.write(KEY, DATA)
    assert cache.read([KEY]) == {}
    assert [path.name for path in cache.folder.iterdir()] == [f"{KEY}.kernel"] if cache.folder else False


def test_a_full_disk_leaves_no_rest(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    cache.write(OTHER, DATA)
    assert cache.folder is not None
    assert [path.name for path in cache.folder.iterdir()] == [f"{KEY}.kernel"]


@pytest.mark.skipif(not ON_POSIX, reason="only POSIX has these permissions")
class TestPermissions:
    def test_folder_and_files_are_the_users_alone(self, cache: Cache) -> None:
        assert cache.folder is not None
        assert cache.folder.stat().st_mode & 0o777 == 0o700
        assert path_of(cache).stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
    def test_a_folder_that_others_can_write_is_neither_read_nor_written(
        self, cache: Cache, mode: int
    ) -> None:
        assert cache.folder is not None
        cache.folder.chmod(mode)
        cache.write(OTHER, DATA)
        assert cache.read([KEY, OTHER]) == {}
        cache.folder.chmod(0o755)
        assert cache.read([KEY, OTHER]) == {KEY: DATA}

    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    def test_a_file_that_others_can_write_is_not_read_but_replaced(self, cache: Cache, mode: int) -> None:
        path_of(cache).chmod(mode)
        before = os.open(path_of(cache), os.O_RDONLY)
        assert cache.read([KEY]) == {}
        cache.write(KEY, DATA[:7])
        assert cache.read([KEY]) == {KEY: DATA[:7]}
        assert os.read(before, 10**6).endswith(DATA)
        os.close(before)
        assert path_of(cache).stat().st_mode & 0o777 == 0o600

    def test_what_belongs_to_somebody_else_is_not_trusted(
        self, cache: Cache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mine = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
        cache.write(OTHER, DATA)
        assert cache.read([KEY]) == {}
        monkeypatch.undo()
        assert cache.read([KEY, OTHER]) == {KEY: DATA}

    @pytest.mark.skipif(not ON_POSIX or os.geteuid() != 0, reason="only root can give files away")
    def test_a_file_of_another_owner_is_not_trusted(self, cache: Cache) -> None:
        os.chown(path_of(cache), 12345, 12345)
        assert cache.read([KEY]) == {}

    def test_links_are_not_followed(self, cache: Cache, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        path_of(cache).rename(elsewhere)
        path_of(cache).symlink_to(elsewhere)
        assert cache.read([KEY]) == {}
        cache.write(KEY, DATA[:5])
        assert cache.read([KEY]) == {KEY: DATA[:5]}
        assert elsewhere.read_bytes().endswith(DATA)

    def test_a_link_in_place_of_the_folder_is_not_followed(self, cache: Cache, tmp_path: Path) -> None:
        assert cache.folder is not None
        (tmp_path / "link").symlink_to(cache.folder)
        linked = Cache(tmp_path / "link")
        linked.write(OTHER, DATA)
        assert linked.read([KEY]) == {}
        assert cache.read([KEY, OTHER]) == {KEY: DATA}

    def test_a_pipe_in_place_of_a_file_does_not_wait(self, cache: Cache) -> None:
        path_of(cache).unlink()
        os.mkfifo(path_of(cache), 0o600)
        assert cache.read([KEY]) == {}


def test_the_oldest_files_go_when_the_folder_is_full(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    names = [key(str(number)) for number in range(40)]
    writer = Cache(folder, limit=10**9)
    for age, name in enumerate(names):
        writer.write(name, DATA)
        os.utime(path_of(writer, name), (10**9 - age, 10**9 - age))
    (folder / "precious.txt").write_text("not ours")
    os.utime(folder / "precious.txt", (0, 0))
    (folder / f"{names[0]}.kernel.1a2b").write_bytes(DATA)
    os.utime(folder / f"{names[0]}.kernel.1a2b", (1, 1))
    bounded = Cache(folder, limit=24 * 8192)
    bounded.write(KEY, DATA)
    kept = bounded.read([KEY, *names])
    assert next(iter(kept)) == KEY
    assert list(kept)[1:] == names[: len(kept) - 1]
    assert 24 * 3 // 4 - 1 <= len(kept) <= 24
    assert {path.name for path in folder.iterdir()} == {"precious.txt"} | {f"{name}.kernel" for name in kept}


def test_a_long_run_does_not_outgrow_the_limit(tmp_path: Path) -> None:
    bounded = Cache(tmp_path / "kernels", limit=32 * 8192)
    for number in range(100):
        bounded.write(key(str(number)), DATA)
        assert bounded.folder is not None
        assert len(list(bounded.folder.iterdir())) <= 32 + 2


@pytest.mark.parametrize("value", ["off", "OFF", " off "])
def test_off_keeps_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAINRULE_CACHE", value)
    assert user_cache().folder is None
    user_cache().write(KEY, DATA)
    assert user_cache().read([KEY]) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/chainrule/native"),
        ("linux", {"XDG_CACHE_HOME": "{root}/xdg"}, "xdg/chainrule/native"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache/chainrule/native"),
        ("darwin", {}, "home/Library/Caches/chainrule"),
        ("win32", {"LOCALAPPDATA": "{root}/local"}, "local/chainrule/native"),
        ("win32", {}, "home/AppData/Local/chainrule/native"),
        ("linux", {"CHAINRULE_CACHE": "{root}/named"}, "named"),
        ("linux", {"CHAINRULE_CACHE": "~/named"}, "home/named"),
    ],
)
def test_the_folder_is_where_the_system_wants_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, variables: dict[str, str], expected: str
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "CHAINRULE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(root=tmp_path))
    monkeypatch.setattr(sys, "platform", system)
    assert user_cache().folder == tmp_path / expected


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.delenv("CHAINRULE_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert user_cache().folder is None
