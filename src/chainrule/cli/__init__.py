"""The command line: `chainrule explain`, `train`, `predict`."""

from __future__ import annotations

import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command line; a user's mistake ends with a message and status 1, never a traceback."""
    from chainrule.cli.app import app
    from chainrule.cli.say import forget_output
    from chainrule.errors import ChainruleError, hide_callers

    hide_callers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except ChainruleError as error:
        _complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped.\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except MemoryError:
        _complain("there is not enough memory for arrays of this size.\n  fix  choose smaller sizes.")
        sys.exit(1)
    except OSError as error:
        _complain(f"the system refuses: {error.strerror or error}.")
        forget_output()
        sys.exit(1)


def _complain(error: object) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text.assemble(("error ", "bold red"), str(error)))
