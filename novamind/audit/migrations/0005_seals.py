"""Seals, which are as append-only as the trail; anchors and checks of the chain."""

from django.db import migrations, models

import novamind.clock
from novamind.audit import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, triggers.SEALS)


def drop(apps, schema_editor):
    triggers.drop(schema_editor.connection, triggers.SEALS)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0004_emergency_purpose"),
    ]

    operations = [
        migrations.CreateModel(
            name="Anchor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.BigIntegerField(editable=False)),
                ("at", models.DateTimeField(default=novamind.clock.now, editable=False)),
            ],
            options={
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="ChainCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=novamind.clock.now, editable=False)),
                ("seals", models.BigIntegerField(editable=False)),
                ("events", models.BigIntegerField(editable=False)),
                ("findings", models.PositiveIntegerField(editable=False)),
                (
                    "first_broken",
                    models.BigIntegerField(editable=False, help_text="number of the first seal concerned", null=True),
                ),
            ],
            options={
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("seq", models.BigIntegerField(db_column="id", editable=False, primary_key=True, serialize=False)),
                ("event_id", models.UUIDField(editable=False, unique=True)),
                ("mac", models.BinaryField()),
                ("at", models.DateTimeField(default=novamind.clock.now, editable=False)),
            ],
            options={
                "ordering": ["seq"],
            },
        ),
        migrations.RunPython(install, drop),
    ]
