"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chainrule.errors import DataError


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it into place.

    Raises:
        DataError: the folder does not exist or cannot be written to.
    """
    file = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise DataError(
            f"{file} cannot be written: {error.strerror}.", where="", fix="choose a folder that exists."
        ) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(_usual_mode(file))
        Path(temporary).replace(file)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise DataError(f"{file} cannot be written: {error.strerror}.", where="") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _usual_mode(file: Path) -> int:
    """Return the mode of the file that is replaced, or what a new file gets here."""
    if file.exists():
        return file.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
