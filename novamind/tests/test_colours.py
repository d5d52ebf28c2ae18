"""Every text is legible on every ground it stands on, in both themes: 4.5 : 1, WCAG 2.2 success criterion 1.4.3.

The browser's test sees only the colours the demo happens to show; a cell of the correlations is darker when its
finding is stronger, and what is found changes with the day.
"""

import re
from pathlib import Path

import pytest
from django.conf import settings

Colour = tuple[float, ...]
CSS = (Path(settings.BASE_DIR) / "static/css/novamind.css").read_text()
SELECTORS = {"light": ":root {", "dark": ':root[data-theme="dark"] {'}
LEAST = 4.5
CELLS = [("text", f"model-{strength}") for strength in (1, 2, 3)]
TAGS = [(name, f"{name}-soft") for name in ("act-now", "notice", "good")]
GREY = [("muted", ground) for ground in ("page", "surface", "raised")]
OTHERS = [("accent", "surface"), ("accent", "accent-soft"), ("on-accent", "accent"), ("text", "raised")]


def colours(theme: str) -> dict[str, Colour]:
    """Red, green, blue (0 to 255) and opacity (0 to 1) of each property of a theme."""
    block = CSS.split(SELECTORS[theme])[1].split("}")[0]
    found: dict[str, Colour] = {}
    for name, value in re.findall(r"--([\w-]+): (#\w{6}|rgba\([^)]+\))", block):
        if value.startswith("#"):
            found[name] = (*(int(value[at : at + 2], 16) for at in (1, 3, 5)), 1.0)
        else:
            found[name] = tuple(float(part) for part in value[5:-1].split(","))
    return found


def laid_on(colour: Colour, ground: Colour) -> Colour:
    return tuple(colour[3] * over + (1 - colour[3]) * under for over, under in zip(colour[:3], ground[:3], strict=True))


def luminance(colour: Colour) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    shares = [part / 255 for part in colour[:3]]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: Colour, other: Colour) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_that_of_the_standard() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.005)  # the grey that just passes


@pytest.mark.parametrize("theme", SELECTORS)
@pytest.mark.parametrize(("text", "ground"), [*CELLS, *TAGS, *GREY, *OTHERS])
def test_text_is_legible_on_its_ground(theme: str, text: str, ground: str) -> None:
    known = colours(theme)
    assert contrast(known[text], laid_on(known[ground], known["surface"])) >= LEAST
