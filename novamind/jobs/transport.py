"""Messages as files on this machine, for the demo, where there is no Redis."""

import os
import time
from pathlib import Path
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """Kombu's channel, but a message appears under its name only when it is whole.

    Kombu writes in place, and a worker that reads half a message dies of it. It also takes messages through the
    system's temporary folder, which may be another file system, where a move is not atomic.
    """

    def _queue_bind(self, *args: object) -> None:
        """Each queue has a routing key of its own name, so there is no shared table to be read half-written."""

    def _folder(self) -> Path:
        folder = Path(self.data_folder_in)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _put(self, queue: str, payload: object, **kwargs: object) -> None:
        folder, name = self._folder(), f"{time.time_ns()}_{uuid4()}.{queue}.msg"
        (folder / f".{name}").write_text(dumps(payload), encoding="utf-8")
        os.replace(folder / f".{name}", folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> object:
        folder = self._folder()
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            try:
                os.rename(folder / name, folder / f".{name}")
                text = (folder / f".{name}").read_text(encoding="utf-8")
                os.unlink(folder / f".{name}")
                return loads(text)
            except (FileNotFoundError, ValueError):
                continue  # another worker was faster, or a power cut emptied it: the tick sends its job again
        raise filesystem.Empty

    def _size(self, queue: str) -> int:
        return sum(name.partition(".")[2] == f"{queue}.msg" for name in os.listdir(self._folder()))


class Transport(filesystem.Transport):
    """The folder as a broker."""

    Channel = Channel
