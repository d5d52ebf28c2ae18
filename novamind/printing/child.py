"""A page in, a PDF out: run by its path, as ``child.py print|try MEMORY_MB CPU_S``; imports nothing of Novamind.

Exit status: 0 with the PDF, 3 without WeasyPrint, 4 without its system libraries, 5 without a font (``try``), else it
failed.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

#: What a page has no business with. What is refused ends the process: a page of ours never asks.
REFUSED = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "urllib.", "tempfile.",
           "os.remove", "os.rename", "os.mkdir", "shutil.", "ftplib.", "http.")  # fmt: skip
STRANGE = 9


def bound(memory_mb: int, cpu_s: int) -> None:
    """Memory, time, no file longer than nothing, no core file: a crash leaves nothing of the page on a disk."""
    if sys.platform == "linux":  # elsewhere an address space cannot be bounded
        resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 2**20, memory_mb * 2**20))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def close_in() -> None:
    """From here on no network, no program, no file but those of Python and its packages, read only."""
    own = tuple({os.path.realpath(folder) + os.sep for folder in (sys.prefix, sys.base_prefix)})

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(REFUSED) or (event == "open" and not _is_own(arguments, own)):
            os._exit(STRANGE)

    sys.addaudithook(check)


def _is_own(arguments: tuple[Any, ...], own: tuple[str, ...]) -> bool:
    path, _, flags = arguments
    if isinstance(path, int):  # already open: the pipes
        return True
    written = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return not written and os.path.realpath(os.fsdecode(path)).startswith(own)


def main(what: str, memory_mb: str, cpu_s: str) -> int:
    bound(int(memory_mb), int(cpu_s))
    try:
        import weasyprint
    except ImportError:
        return 3
    except OSError:
        return 4

    class Nothing(weasyprint.urls.URLFetcher):  # type: ignore[misc, name-defined]
        """A page holds all it needs; whatever else it names is not fetched."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            raise ValueError("nothing is fetched")

    page = sys.stdin.buffer.read().decode()
    close_in()
    document = weasyprint.HTML(string=page, url_fetcher=Nothing(), base_url=None, media_type="print")
    pdf = document.write_pdf(uncompressed_pdf=what == "try")
    if what == "try" and b"/FontDescriptor" not in pdf:
        return 5
    sys.stdout.buffer.write(pdf)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
