"""Numbers that carry a check digit: the difference between a national number and any number."""

from __future__ import annotations

import re


def digits_of(text: str) -> list[int]:
    """The digits in a text, without what separates them."""
    return [int(digit) for digit in re.sub(r"[^0-9]", "", text)]


def luhn(text: str) -> bool:
    """Payment cards, IMEI (ISO/IEC 7812-1)."""
    digits = digits_of(text)
    doubled = [d if at % 2 == 0 else sum(divmod(2 * d, 10)) for at, d in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0


def nhs(text: str) -> bool:
    """NHS number: ten digits, modulus 11."""
    digits = digits_of(text)
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    check = 11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check % 11 == digits[9]


def fodselsnummer(text: str) -> bool:
    """Norwegian national number: eleven digits, two of modulus 11."""
    digits = digits_of(text)
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    first = sum(d * w for d, w in zip(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), strict=False)) % 11
    second = sum(d * w for d, w in zip(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), strict=False)) % 11
    return first == 0 and second == 0


def iban(text: str) -> bool:
    """International bank account number: ISO 7064 modulus 97."""
    bare = re.sub(r"[^A-Za-z0-9]", "", text).upper()
    turned = bare[4:] + bare[:4]
    return 15 <= len(bare) <= 34 and int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1
