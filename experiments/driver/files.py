"""Files that are written whole or not at all."""

import os
from pathlib import Path

from experiments.driver.errors import DriverError, describe


def write_if_changed(path: Path, text: str) -> None:
    """Writes a text file by renaming a temporary one, unless it already says the same."""
    temporary = path.with_name(f".{path.name}.{os.uname().nodename}-{os.getpid()}.tmp")
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True) if path.parent.is_dir() else None
        raise DriverError(describe(error, path)) from None
