"""Machine code kept on disk between runs, read back only where nobody else can have written it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

VARIABLE = "CHAINRULE_CACHE"
_OFF = ("off", "0", "no", "none")
_MAGIC = b"chainrule kernel\n"
_DIGEST = 24
_HEADER = len(_MAGIC) + 2 * _DIGEST
_SUFFIX = ".kernel"
_OURS = re.compile(rf"[0-9a-f]{{{2 * _DIGEST}}}{re.escape(_SUFFIX)}(\.[0-9a-f]+)?")
_MOST_BYTES = 64 << 20
_BLOCK = 4096
# A link under a file's name is not followed, and a pipe does not make the process wait.
_READING = os.O_RDONLY | sum(
    getattr(os, f"O_{name}", 0) for name in ("NOFOLLOW", "NONBLOCK", "CLOEXEC", "BINARY")
)
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def key(*parts: str) -> str:
    """Return the name under which something is kept: a hash of all that it depends on.

    >>> key("ab", "c") == key("a", "bc")
    False
    """
    digest = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


class Cache:
    """A folder of files, each with a header that tells whether it is whole and what it is for.

    Whatever goes wrong with the folder costs time and raises nothing. A file is replaced as a whole, so that
    several processes may write at once. The folder and each file must belong to the user and be writable by
    nobody else; links are not followed. Windows has no such bits: there the user's own folder is trusted.

    Attributes:
        folder: where the files lie, or None to keep nothing.
        limit: how many bytes the files may take together; the oldest go first.
    """

    def __init__(self, folder: Path | None, limit: int = _MOST_BYTES) -> None:
        self.folder = folder
        self.limit = limit
        self._written: int | None = None

    def read(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return what was kept under those of the keys where there is something to trust."""
        found: dict[str, bytes] = {}
        with contextlib.suppress(OSError):
            if self.folder is not None and _is_private_folder(self.folder):
                for key in keys:
                    data = _unpacked(key, _content(f"{self.folder}{os.sep}{key}{_SUFFIX}"))
                    if data is not None:
                        found[key] = data
        return found

    def write(self, key: str, data: bytes) -> None:
        """Keep bytes under a key, if the folder can be written and trusted."""
        with contextlib.suppress(OSError):
            if self.folder is not None and _is_private_folder(self.folder, make=True):
                _replace(self.folder / f"{key}{_SUFFIX}", _packed(key, data))
                self._count(self.folder, _on_disk(_HEADER + len(data)))

    def _count(self, folder: Path, size: int) -> None:
        """Remove old files at the first writing, and again whenever a sixteenth of the limit was written."""
        if self._written is None or self._written + size > self.limit // 16:
            self._written = 0
            self._prune(folder)
        self._written += size

    def _prune(self, folder: Path) -> None:
        files = sorted(_files(folder))
        excess = sum(size for _, size, _ in files) - self.limit
        if excess <= 0:
            return
        for _, size, path in files:
            with contextlib.suppress(OSError):
                path.unlink()
            excess -= size
            if excess <= -self.limit // 4:
                return


def user_cache() -> Cache:
    """Return the cache in the folder that CHAINRULE_CACHE names, or in the user's own.

    The value `off` of the environment variable keeps nothing.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named.lower() in _OFF:
        return _cache_in(None)
    try:
        return _cache_in(Path(named).expanduser().absolute() if named else _users_folder())
    except (RuntimeError, OSError):  # the user has no home, or there is no current folder
        return _cache_in(None)


@functools.cache
def _cache_in(folder: Path | None) -> Cache:
    return Cache(folder)


def _users_folder() -> Path:
    """Return where the system wants programs to keep what they can make again."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "chainrule" / "native"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "chainrule"
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "chainrule" / "native"


def _is_private(status: os.stat_result) -> bool:
    """Tell whether the user owns something, and nobody else can write it."""
    if sys.platform == "win32":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & _WRITABLE_BY_OTHERS


def _is_private_folder(folder: Path, *, make: bool = False) -> bool:
    if make and not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and _is_private(status)


def _content(path: str) -> bytes:
    """Return a file's bytes, or none at all if it is no plain file or others can write it."""
    try:
        file = os.open(path, _READING)
    except OSError:
        return b""
    try:
        status = os.fstat(file)
        trusted = stat.S_ISREG(status.st_mode) and _is_private(status) and status.st_size <= _MOST_BYTES
        return os.read(file, status.st_size) if trusted else b""
    except OSError:
        return b""
    finally:
        os.close(file)


def _replace(path: Path, data: bytes) -> None:
    """Write a file beside its place, then put it there in one step."""
    beside = path.with_name(f"{path.name}.{os.getpid():x}{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(data)
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def _checksum(key: str, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST, key=bytes.fromhex(key)).digest()


def _packed(key: str, data: bytes) -> bytes:
    return _MAGIC + bytes.fromhex(key) + _checksum(key, data) + data


def _unpacked(key: str, content: bytes) -> bytes | None:
    """Return what follows a header, or None if the header is not the one that belongs there."""
    data = content[_HEADER:]
    return data if len(content) > _HEADER and content == _packed(key, data) else None


def _on_disk(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield when each file of ours was written, the bytes it takes, and its path."""
    with os.scandir(folder) as entries:
        yield from _described(entries)


def _described(entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[float, int, Path]]:
    for entry in entries:
        if _OURS.fullmatch(entry.name):
            with contextlib.suppress(OSError):  # another process may just have removed it
                status = entry.stat(follow_symlinks=False)
                yield status.st_mtime, _on_disk(status.st_size), Path(entry.path)
