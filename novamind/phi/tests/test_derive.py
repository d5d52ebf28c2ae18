"""Subkeys are those of RFC 5869, as the library that made them first derives them."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from novamind.phi.master import derive


def test_the_third_vector_of_rfc_5869():
    """Appendix A.3: neither salt nor info; the first 32 of its 42 bytes."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derive(b"\x0b" * 22, "").hex() == expected


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 64, 65, 200])
@pytest.mark.parametrize("purpose", ["", "field", "refresh token successor", "ø"])
def test_every_subkey_is_that_of_the_library(size, purpose):
    key = os.urandom(size)
    known = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)
    assert derive(key, purpose) == known
