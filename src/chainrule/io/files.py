"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chainrule.errors import DataError


def check_writable(path: str | Path, *inputs: Path | None) -> Path:
    """Return where a file will be written, links followed, before any long work is done for it.

    Args:
        path: where to.
        inputs: files that must not be overwritten.

    Raises:
        DataError: it is a folder or no regular file, one of the inputs, or its folder cannot be written to.
    """
    file = Path(path).resolve()
    if str(path) in ("", ".") or file.is_dir():
        raise DataError(f"{path or 'an empty name'} is a folder, not a file.", where="", fix="name a file.")
    if file.exists() and not file.is_file():
        raise DataError(f"{path} is not a regular file.", where="", fix="name a file.")
    if file in [source.resolve() for source in inputs if source is not None]:
        raise DataError(f"{path} is an input, and would be overwritten.", where="", fix="name another file.")
    _remove(_temporary(file))
    return file


def _remove(file: str) -> None:
    Path(file).unlink(missing_ok=True)


def _temporary(file: Path) -> str:
    """Make an empty file beside the one to be written."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise DataError(
            f"{file} cannot be written: {error.strerror}.", where="", fix="choose a folder you can write to."
        ) from None
    os.close(handle)
    return temporary


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it into place; links are followed.

    Raises:
        DataError: the folder does not exist or cannot be written to, or the path is no regular file.
    """
    file = check_writable(path)
    temporary = _temporary(file)
    try:
        with Path(temporary).open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(_usual_mode(file))
        Path(temporary).replace(file)
    except OSError as error:
        _remove(temporary)
        raise DataError(f"{file} cannot be written: {error.strerror}.", where="") from None
    except BaseException:
        _remove(temporary)
        raise


def _usual_mode(file: Path) -> int:
    """Return the mode of the file that is replaced, or what a new file gets here."""
    if file.exists():
        return file.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
