"""The published PAT weights file: read safely, checked tensor by tensor, named by its checksum.

The file comes from outside, so it is treated as hostile: one bounded read, the checksum before the parser, no pickle,
no Keras configuration, no link, virtual or external storage that could make HDF5 open another file.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained

from .architecture import SIZES, PatSize, size_named

#: SHA-256 of files under their published names. Source: a third party's record of the files it served
#: (clarity-loop-backend, models/pat/checksums.json, 2025-06-15), not the authors; none is known for the 21k files. So
#: a file that is not listed deserves a warning, not a refusal: see :attr:`WeightsFile.published_as`.
PUBLISHED: Final = MappingProxyType(
    {
        "37b3c530b8d9d89416d28fddbb4545de568cc52ddf6f5c700eeb4aa78f1c3616": "PAT-S_29k_weights.h5",
        "c432f3f6f48cdd7817368d30fcad87708d6994c61324ae64885bb9f871dba575": "PAT-M_29k_weights.h5",
        "19f9ad1235bdbea2636b6b40c6425536d624450f0b97302b7440bf978c3ee04f": "PAT-L_29k_weights.h5",
    }
)

#: What can be wrong with a weights file: code -> the sentence an administrator reads before the detail.
ERRORS: Final = MappingProxyType(
    {
        "missing_file": "the weights file is not there",
        "truncated": "the weights file is cut short or damaged",
        "not_hdf5": "the weights file is not HDF5",
        "wrong_hash": "the weights file is not the registered one",
        "wrong_size": "the weights file is for another PAT size",
        "wrong_layout": "the weights file does not have the published PAT layout",
        "not_finite": "the weights file holds NaN or infinite values",
    }
)

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LARGEST_FILE = 64 * 2**20  # eight times PAT-L
_MOST_OBJECTS = 1_000
_SHOWN = 3


class WeightsError(Exception):
    """A weights file that is not loaded, and why.

    Parameters
    ----------
    code : str
        A key of :data:`ERRORS`.
    detail : str
        What exactly, with names and numbers; holds no path, so that it may be shown.
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{ERRORS[code]}: {detail}")

    def __reduce__(self) -> tuple[type[WeightsError], tuple[str, str]]:
        return type(self), (self.code, self.detail)

    def as_abstention(self) -> Abstained:
        """What a clinician is told in place of the number."""
        return Abstained("no_weights" if self.code == "missing_file" else "weights_mismatch")


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """A weights file that passed every check; made by :func:`load_weights` only.

    Attributes
    ----------
    size : PatSize
        The encoder it is for.
    sha256 : str
        Of the file's bytes, lower-case hexadecimal.
    tensors : mapping of str to ndarray of float32
        Read-only, finite, under their HDF5 names, shapes as :meth:`PatSize.tensor_shapes`.
    published_as : str or None
        The published file name whose checksum this is; None is a file nobody vouched for, worth a warning.
    """

    size: PatSize
    sha256: str
    tensors: Mapping[str, NDArray[np.float32]]
    published_as: str | None


def load_weights(
    source: str | PathLike[str] | bytes, *, size: str | None = None, sha256: str | None = None
) -> WeightsFile:
    """Read and check a weights file.

    Parameters
    ----------
    source : path or bytes
        The file, or its content.
    size : str, optional
        ``S``, ``M`` or ``L``: the size that must be in it. Without it, the size is recognised from the tensors.
    sha256 : str, optional
        The registered checksum; compared before the file is parsed.

    Returns
    -------
    WeightsFile

    Raises
    ------
    WeightsError
        With one of :data:`ERRORS`.
    ValueError
        The size asked for was not published.
    """
    wanted = None if size is None else size_named(size)
    content = _read(source)
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256.strip().lower():
        raise WeightsError("wrong_hash", f"SHA-256 is {found}, registered is {sha256.strip().lower()}")
    pat, tensors = _parse(content, wanted)
    _check_values(tensors)
    return WeightsFile(pat, found, MappingProxyType(tensors), PUBLISHED.get(found))


def weights_bytes(tensors: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Tensors under their HDF5 names as a file in the published layout, which :func:`load_weights` reads."""
    import h5py

    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, tensor in tensors.items():
            file[name] = tensor
    return content.getvalue()


def identify(source: str | PathLike[str] | bytes) -> tuple[str, str]:
    """The size (``S``, ``M`` or ``L``) and SHA-256 of a weights file; raises as :func:`load_weights`."""
    weights = load_weights(source)
    return weights.size.name, weights.sha256


def _read(source: str | PathLike[str] | bytes) -> bytes:
    """The content, once: what was hashed is what is parsed."""
    if isinstance(source, bytes):
        content = source[: _LARGEST_FILE + 1]
    else:
        path = Path(source)
        if not path.is_file():
            raise WeightsError("missing_file", "no such file")
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE + 1)
        except OSError as error:
            raise WeightsError("missing_file", f"cannot be read ({error.strerror})") from error
    if len(content) > _LARGEST_FILE:
        raise WeightsError("wrong_layout", f"larger than {_LARGEST_FILE // 2**20} MiB; PAT-L has 8")
    if not content.startswith(_SIGNATURE):
        if _SIGNATURE.startswith(content):
            raise WeightsError("truncated", f"it has {len(content)} bytes")
        raise WeightsError("not_hdf5", f"it begins with {content[:8]!r}")
    return content


def _parse(content: bytes, wanted: PatSize | None) -> tuple[PatSize, dict[str, NDArray[np.float32]]]:
    """Names and shapes first, values only once those are the published ones: no file can make us read more."""
    import h5py

    try:
        with h5py.File(h5py.h5f.open_file_image(content)) as file:
            datasets = _datasets(file)
            pat = _recognise({name: dataset.shape for name, dataset in datasets.items()}, wanted)
            return pat, {name: _tensor(name, dataset) for name, dataset in datasets.items()}
    except WeightsError:
        raise
    except Exception as error:  # on damaged metadata HDF5 raises almost any type, OverflowError and MemoryError too
        raise WeightsError("truncated", f"HDF5 says: {error} ({len(content)} bytes)") from error


def _datasets(file: Any) -> dict[str, Any]:
    """Every dataset under its full name, following nothing but plain (hard) links, to a bounded number."""
    import h5py

    found: dict[str, Any] = {}
    waiting, seen = [("", file)], 0
    while waiting:
        parent, group = waiting.pop()
        for key in group:
            seen += 1
            name = f"{parent}/{key}".lstrip("/")
            if seen > _MOST_OBJECTS:  # a group may contain itself
                raise WeightsError("wrong_layout", f"more than {_MOST_OBJECTS} objects")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise WeightsError("wrong_layout", f"{name!r} is a link")
            member = group[key]
            if isinstance(member, h5py.Dataset):
                found[name] = member
            elif isinstance(member, h5py.Group):
                waiting.append((name, member))
            else:
                raise WeightsError("wrong_layout", f"{name!r} is neither a group nor a tensor")
    return found


def _tensor(name: str, dataset: Any) -> NDArray[np.float32]:
    if dataset.is_virtual or dataset.external:
        raise WeightsError("wrong_layout", f"{name!r} is stored outside the file")
    if dataset.dtype != np.dtype("<f4"):
        raise WeightsError("wrong_layout", f"{name!r} is {dataset.dtype}, not float32")
    if dataset.chunks and prod(dataset.chunks) > dataset.size:
        raise WeightsError("wrong_layout", f"{name!r} is stored in chunks larger than itself")
    if not dataset.id.get_storage_size():
        # HDF5 answers zeros for storage that was never written; those are not weights.
        raise WeightsError("truncated", f"{name!r} was never written")
    tensor: NDArray[np.float32] = dataset[()]
    tensor.setflags(write=False)
    return tensor


def _recognise(shapes: Mapping[str, tuple[int, ...]], wanted: PatSize | None) -> PatSize:
    for pat in SIZES.values():
        if shapes == pat.tensor_shapes():
            if wanted not in (None, pat):
                raise WeightsError("wrong_size", f"it is a PAT-{pat.name} file; PAT-{wanted.name} was asked for")
            return pat
    nearest = wanted or min(SIZES.values(), key=lambda pat: len(set(shapes.items()) ^ set(pat.tensor_shapes().items())))
    raise WeightsError("wrong_layout", f"not PAT-{nearest.name}: {_differences(shapes, nearest.tensor_shapes())}")


def _differences(found: Mapping[str, tuple[int, ...]], needed: Mapping[str, tuple[int, ...]]) -> str:
    both = found.keys() & needed.keys()
    parts = {
        "missing": sorted(needed.keys() - found.keys()),
        "extra": sorted(found.keys() - needed.keys()),
        "shape": sorted(f"{name} is {found[name]}, not {needed[name]}" for name in both if found[name] != needed[name]),
    }
    return "; ".join(f"{kind} {_first(items)}" for kind, items in parts.items() if items)


def _first(items: list[str]) -> str:
    more = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _check_values(tensors: Mapping[str, NDArray[np.float32]]) -> None:
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise WeightsError("not_finite", f"{name!r} has {int((~np.isfinite(tensor)).sum())} of {tensor.size}")
        # A trained bias may be zero; a kernel or scale of zeros is a hole left by a copy that did not finish.
        if name.endswith(("/kernel:0", "/gamma:0")) and not tensor.any():
            raise WeightsError("truncated", f"{name!r} is all zeros")
