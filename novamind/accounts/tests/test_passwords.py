"""What a password may not be."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError


@pytest.mark.parametrize("password", ["Novamind-2027", "clinic12345678", "psychiatryclinic!", "Welcome-hospital-1"])
def test_words_of_this_place_are_no_password(password):
    with pytest.raises(ValidationError, match="anybody would try here"):
        validate_password(password)


@pytest.mark.parametrize("password", ["correct horse battery staple", "my clinic has forty-two blue windows"])
def test_a_sentence_is_one_also_if_it_names_the_place(password):
    validate_password(password)
