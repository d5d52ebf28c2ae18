"""Code that computes, as a version: a changed formula is a new one without anybody remembering to say so."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

from django.conf import settings

from novamind.measures import Abstained
from novamind.registry.models import ModelVersion


class Code:
    """The files that stand behind a number.

    Parameters
    ----------
    places : Path
        Files, and folders of which every ``.py`` file counts.
    """

    def __init__(self, *places: Path) -> None:
        self._places = places

    @property
    def files(self) -> list[Path]:
        """Each file once, in the order of its path."""
        found = {file for place in self._places for file in (place.glob("*.py") if place.is_dir() else [place])}
        return sorted(found)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the files with their paths in this program."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(file.relative_to(settings.BASE_DIR).as_posix().encode() + file.read_bytes())
        return digest.hexdigest()

    @property
    def version(self) -> str:
        """The version of this program and 12 digits of the digest: ``0.1.0+0123456789ab``."""
        return f"{settings.VERSION}+{self.digest[:12]}"

    def serving(self, name: str) -> ModelVersion:
        """The version of a model whose weights are this code, in production.

        Raises
        ------
        Abstained
            not_promoted; weights_mismatch where what was promoted is other code than this.
        """
        version = in_production(name)
        if version.version != self.version:
            raise Abstained("weights_mismatch")
        return version


def in_production(name: str) -> ModelVersion:
    """The version of this name that serves.

    Raises
    ------
    Abstained
        not_promoted.
    """
    version = ModelVersion.objects.serving(name).first()
    if version is None:
        raise Abstained("not_promoted")
    return version
