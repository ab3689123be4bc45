"""The driver's own error: one message for the reader, printed without a traceback."""

import os
from pathlib import Path


class DriverError(Exception):
    """What must hold, what was received and what to do, in one message."""


def describe(error: OSError, path: str | Path) -> str:
    """The reader's sentence for a file that cannot be written."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return (
        f"{path} must be writable. Received: {reason}. "
        "Give yourself write permission or free some space there, then start again: "
        "finished results are kept."
    )
