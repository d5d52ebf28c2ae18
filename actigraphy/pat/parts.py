"""Models of several files: a folder of their own in the models folder, whose main file names the others by checksum.

So the registry pins one checksum and with it all of them. The folder is not looked into at start: an encoder that is
part of another model is never taken for one that was mounted.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


@contextmanager
def keep_parts(name: str, files: Mapping[str, bytes]) -> Iterator[Path]:
    """The files in the folder ``name`` of the models folder; taken back when what follows fails and they were new.

    Yields
    ------
    Path
        The folder, relative to the models folder.
    """
    target = settings.PAT_WEIGHTS_DIR / name
    new = not target.exists()
    try:
        if new:
            partial = target.with_name(f"{target.name}.part")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            for file, content in files.items():
                (partial / file).write_bytes(content)
            partial.replace(target)
        yield Path(name)
    except Exception:
        if new:
            shutil.rmtree(target, ignore_errors=True)
        raise
