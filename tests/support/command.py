"""Running the command line as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def chainrule(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `chainrule` with arguments; warnings are errors, as in the tests."""
    code = "from chainrule.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )
