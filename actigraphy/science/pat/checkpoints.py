"""A training run's state on disk: there whole or not at all, and never a pickle."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SAID: Final = "said"


def write_checkpoint(path: Path, arrays: Mapping[str, NDArray[Any]], said: Mapping[str, Any]) -> None:
    """Replace the checkpoint: a process or a machine that stops in between leaves the one before."""
    content = io.BytesIO()
    text = np.frombuffer(json.dumps(said).encode(), np.uint8)
    savez: Any = np.savez
    savez(content, **{_SAID: text}, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as file:
        file.write(content.getvalue())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_checkpoint(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What :func:`write_checkpoint` wrote; ``ValueError`` where it is something else."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(arrays.pop(_SAID).tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"the checkpoint cannot be read ({type(error).__name__})") from None
