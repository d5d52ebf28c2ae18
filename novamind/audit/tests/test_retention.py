"""What says who did what is kept for six years, whoever asks to remove it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command

from novamind import clock
from novamind.audit import anchors, retention

pytestmark = pytest.mark.django_db


@pytest.fixture
def differences(patient):
    """One of today and one of seven years ago."""
    entries = LogEntry.objects.filter(pk__in=LogEntry.objects.values_list("pk")[:1])
    old = entries.get()
    old.pk = None
    old.save()
    LogEntry.objects.filter(pk=old.pk).update(timestamp=clock.now() - timedelta(days=7 * 366))
    return LogEntry.objects.count()


def test_six_years_are_never_less():
    assert timedelta(days=6 * 365 + 2) <= retention.KEPT
    assert anchors.KEPT == retention.KEPT


@pytest.mark.parametrize(
    "options", [[], ["--truncate"], ["--before-date", "2999-01-01"], ["--before-date", "{five_years}"]]
)
def test_flushing_what_is_younger_is_refused(differences, options):
    five = (clock.now() - timedelta(days=5 * 365)).date().isoformat()
    with pytest.raises(CommandError, match="six years"):
        call_command("auditlogflush", "--yes", *(option.format(five_years=five) for option in options))
    assert LogEntry.objects.count() == differences


def test_what_is_older_goes_and_the_rest_stays(differences, capsys):
    last = (clock.now() - retention.KEPT).date()
    call_command("auditlogflush", "--yes", "--before-date", last.isoformat())
    assert LogEntry.objects.count() == differences - 1
    with pytest.raises(retention.TooYoung):
        retention.require_kept(last + timedelta(days=1))
