"""Running the command line as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_CODE = "from chainrule.cli import main; main()"


def chainrule(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `chainrule` with arguments to its end; warnings are errors, as in the tests."""
    process = start(*arguments, folder=folder)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def start(*arguments: str, folder: Path | None = None) -> subprocess.Popen[str]:
    """Start `chainrule` with arguments."""
    return subprocess.Popen(
        [sys.executable, "-u", "-W", "error", "-c", _CODE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )
