"""Where drill jobs leave their results, so that a second one would be seen."""

from django.db import models


class Result(models.Model):
    """One finished drill job. Not unique on purpose: the test counts."""

    number = models.IntegerField()

    class Meta:
        app_label = "drill"
