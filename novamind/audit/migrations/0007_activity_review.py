"""Weeks that were looked through; append-only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import novamind.clock
from novamind.audit import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, triggers.REVIEWS)


def drop(apps, schema_editor):
    triggers.drop(schema_editor.connection, triggers.REVIEWS)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0006_details"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ActivityReview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("week", models.DateField(help_text="its Monday", unique=True)),
                ("reviewed_at", models.DateTimeField(default=novamind.clock.now, editable=False)),
                (
                    "findings",
                    models.JSONField(default=dict, editable=False, help_text="how many of each kind were on the page"),
                ),
                ("notes", models.TextField(blank=True, max_length=4000)),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-week"],
            },
        ),
        migrations.RunPython(install, drop),
    ]
