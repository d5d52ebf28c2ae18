"""Searches the places where no identifier may stand and keeps the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from novamind.clock import now
from novamind.phi import places
from novamind.phi.detection.folding import fold
from novamind.phi.detection.many import Matcher
from novamind.phi.detection.patterns import PATTERNS, find_patterns
from novamind.phi.detection.spans import Kind
from novamind.phi.models import PhiScan

#: Forms that stand in no log or column of ours by right. Dates, hosts and ids do.
_FORMS = [p for p in PATTERNS if p.kind == Kind.NATIONAL_ID and p.check is bool]


def scan(matcher: Matcher, *, unreadable: int = 0, texts: Iterable[tuple[str, str]] | None = None) -> PhiScan:
    """Search everything (or these ``(place, text)``) and store how often somebody was found in each place."""
    started_at, characters = now(), 0
    findings: Counter[str] = Counter()
    for place, text in places.everything() if texts is None else texts:
        characters += len(text)
        found = matcher.count(text) + len(find_patterns(fold(text), _FORMS))
        if found:
            findings[place] += found
    return PhiScan.objects.create(
        started_at=started_at,
        finished_at=now(),
        patients=matcher.people,
        unreadable=unreadable,
        characters=characters,
        findings=dict(findings),
    )
