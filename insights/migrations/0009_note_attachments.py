import uuid

import django.db.models.deletion
from django.db import migrations, models

import novamind.clock
import novamind.phi.fields
from novamind.audit import triggers

TABLES = ("insights_noteattachment",)


def freeze(apps, schema_editor):
    sealed = ("file_name", "file_key", "storage_name", "part2")  # what a rotation writes anew, and the note's label
    triggers.install(schema_editor.connection, TABLES, deletable=True, sealed=sealed)


def thaw(apps, schema_editor):
    triggers.drop(schema_editor.connection, TABLES)


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0008_discarded_drafts"),
        ("patients", "0018_messages"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoteAttachment",
            fields=[
                ("part2", models.BooleanField(default=False, verbose_name="substance use treatment (42 CFR Part 2)")),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=novamind.clock.now, editable=False)),
                (
                    "content",
                    models.CharField(
                        choices=[
                            ("application/pdf", "PDF"),
                            ("image/png", "PNG image"),
                            ("image/jpeg", "JPEG image"),
                            ("text/plain", "Plain text"),
                        ],
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("size", models.PositiveIntegerField(editable=False, help_text="bytes")),
                ("sha256", models.CharField(editable=False, max_length=64)),
                ("file_name", novamind.phi.fields.EncryptedField(max_length=255)),
                ("storage_name", models.CharField(editable=False, max_length=120)),
                ("file_key", models.BinaryField()),
                (
                    "note",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="insights.encounternote",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
            ],
            options={
                "ordering": ["at"],
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("note", "sha256"), name="insights_a_file_once_a_note")],
            },
        ),
        migrations.RunPython(freeze, thaw),
    ]
