"""What a password may not be."""

from __future__ import annotations

import hashlib

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from novamind.accounts.compliance import checks
from novamind.accounts.passwords import is_listed


@pytest.mark.parametrize("password", ["Novamind-2027", "clinic12345678", "psychiatryclinic!", "Welcome-hospital-1"])
def test_words_of_this_place_are_no_password(password):
    with pytest.raises(ValidationError, match="anybody would try here"):
        validate_password(password)


@pytest.mark.parametrize("password", ["correct horse battery staple", "my clinic has forty-two blue windows"])
def test_a_sentence_is_one_also_if_it_names_the_place(password):
    validate_password(password)


@pytest.fixture
def breached(tmp_path, settings):
    """A list of a thousand passwords, as Have I Been Pwned gives it."""
    digests = sorted(hashlib.sha1(f"a tall grey lighthouse {n}".encode()).hexdigest().upper() for n in range(1000))
    path = tmp_path / "pwned.txt"
    path.write_text("".join(f"{digest}:{7 ** (n % 9)}\r\n" for n, digest in enumerate(digests)))
    settings.BREACHED_PASSWORDS_FILE = str(path)
    return path


def test_a_password_of_the_list_is_refused_and_its_neighbours_are_not(breached):
    for number in (0, 499, 999):
        with pytest.raises(ValidationError, match="breach elsewhere"):
            validate_password(f"a tall grey lighthouse {number}")
    validate_password("a tall grey lighthouse 1000")


def test_without_its_list_no_password_is_taken_and_the_page_says_so(breached, db):
    def state():
        return next(check.state for check in checks() if check.key == "breached_passwords")

    assert state() == "holds"
    breached.unlink()
    assert state() == "fails"
    with pytest.raises(OSError, match="pwned"):
        validate_password("a tall grey lighthouse 1000")


def test_where_no_list_is_configured_the_page_says_that(db):
    assert next(check.state for check in checks() if check.key == "breached_passwords") == "not configured"


@given(st.sets(st.text("0123456789ABCDEF", min_size=40, max_size=40), max_size=40), st.data())
def test_the_search_finds_what_stands_in_the_file_and_nothing_else(tmp_path_factory, listed, data):
    path = tmp_path_factory.mktemp("listed") / "list"
    path.write_text("".join(f"{digest}:{data.draw(st.integers(1, 10**8))}\n" for digest in sorted(listed)))
    asked = [*listed, *data.draw(st.lists(st.text("0123456789ABCDEF", min_size=40, max_size=40), max_size=5))]
    assert [is_listed(path, digest) for digest in asked] == [digest in listed for digest in asked]
