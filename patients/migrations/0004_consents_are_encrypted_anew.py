"""The words of a consent may be encrypted under another key; everything else of it stays as it was recorded."""

from django.db import migrations

from novamind.audit import triggers

TABLES = ("patients_consent",)


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, TABLES, deletable=True, sealed=("remark",))


def as_before(apps, schema_editor):
    triggers.install(schema_editor.connection, TABLES, deletable=True)


class Migration(migrations.Migration):
    dependencies = [("patients", "0003_consents_stay")]

    operations = [migrations.RunPython(install, as_before)]
