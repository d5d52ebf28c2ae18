"""Writes that the database notes itself, append-only; their triggers come after the migrations of each app."""

from django.db import migrations, models

import novamind.clock
from novamind.audit import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, triggers.CHANGES)


def drop(apps, schema_editor):
    triggers.drop(schema_editor.connection, triggers.CHANGES)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0007_activity_review"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=novamind.clock.now, editable=False)),
                ("since", models.DateTimeField(editable=False)),
                ("until", models.DateTimeField(editable=False)),
                ("changes", models.PositiveIntegerField(editable=False)),
                ("unaudited", models.PositiveIntegerField(editable=False)),
                ("by_table", models.JSONField(default=dict, editable=False)),
            ],
            options={
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(editable=False)),
                ("op", models.CharField(editable=False, max_length=6)),
                ("table_name", models.CharField(editable=False, max_length=63)),
                ("row_id", models.CharField(editable=False, max_length=64)),
                ("patient_id", models.UUIDField(editable=False, null=True)),
                (
                    "columns",
                    models.JSONField(editable=False, help_text="names of those that changed; empty: the whole row"),
                ),
                ("actor", models.CharField(blank=True, editable=False, max_length=36)),
                ("request_id", models.CharField(blank=True, editable=False, max_length=36)),
            ],
            options={
                "ordering": ["-at"],
                "indexes": [models.Index(fields=["at"], name="audit_change_by_time")],
            },
        ),
        migrations.RunPython(install, drop),
    ]
