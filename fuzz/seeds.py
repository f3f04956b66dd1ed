"""Write a fuzzer's seeds and dictionary: `python -m fuzz.seeds FOLDER`."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tests.support.documents import documents, words


def write(folder: Path) -> None:
    """Write the documents of the repository, whole and line by line, and the words of the language."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    whole = documents()
    for text in {*whole, *(line for document in whole for line in document.splitlines())}:
        data = text.encode()
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    entries = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words())
    (folder / "words.dict").write_text("".join(f'"{entry}"\n' for entry in entries), encoding="ascii")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
