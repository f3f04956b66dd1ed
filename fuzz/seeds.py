"""Write a fuzzer's seeds and dictionary: `python -m fuzz.seeds FOLDER`."""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

from tests.support.documents import documents, words
from tests.support.grammar import document

_DRAWN = 300


def write(folder: Path) -> None:
    """Write documents whole and line by line, random documents, and the words of the language."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    whole = documents()
    chance = random.Random(0)  # noqa: S311 - no secret
    drawn = [document(chance) for _ in range(_DRAWN)]
    lines = [line for text in whole for line in text.splitlines()]
    for seed in {*drawn, *whole, *lines}:
        data = seed.encode()
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    entries = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words())
    (folder / "words.dict").write_text("".join(f'"{entry}"\n' for entry in entries), encoding="ascii")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
