"""Attempts at a secret: counted where they outlive a restart and are the same for every process."""

from django.db import models


class Attempts(models.Model):
    """How often something was tried by one caller within one window; ``key`` is a digest and names nobody."""

    kind = models.CharField(max_length=20, editable=False)
    key = models.CharField(max_length=32, editable=False)
    since = models.DateTimeField(editable=False, db_index=True)
    count = models.PositiveIntegerField(editable=False)

    class Meta:
        verbose_name_plural = "attempts"
        ordering = ["-since"]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="throttle_one_window_per_caller")]

    def __str__(self) -> str:
        return f"{self.count} of {self.kind} since {self.since:%Y-%m-%d %H:%M}"
