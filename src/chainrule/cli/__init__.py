"""The command line: `chainrule explain`, `check`, `rule`, `train`, `predict`."""

from __future__ import annotations

import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command line; a user's mistake ends with a message and status 1, never a traceback."""
    from chainrule.cli.app import app
    from chainrule.cli.say import complain, forget_output
    from chainrule.errors import ChainruleError, hide_callers

    hide_callers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except ChainruleError as error:
        complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped.\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except MemoryError:
        complain("there is not enough memory for arrays of this size.\n  fix  choose smaller sizes.")
        sys.exit(1)
    except OSError as error:
        complain(f"the system refuses: {error.strerror or error}.")
        forget_output()
        sys.exit(1)
