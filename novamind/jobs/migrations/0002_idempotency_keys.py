import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import novamind.clock


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("view", models.CharField(editable=False, max_length=80)),
                ("key_digest", models.CharField(editable=False, max_length=64)),
                ("body_digest", models.CharField(editable=False, max_length=64)),
                ("status", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("object_id", models.UUIDField(editable=False, null=True)),
                ("created_at", models.DateTimeField(default=novamind.clock.now, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [models.UniqueConstraint(fields=("user", "view", "key_digest"), name="jobs_a_key_once")],
            },
        ),
    ]
