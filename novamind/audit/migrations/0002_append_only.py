"""Audit rows can be added and read, nothing else."""

from django.db import migrations

from novamind.audit import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, triggers.TRAIL)


def drop(apps, schema_editor):
    triggers.drop(schema_editor.connection, triggers.TRAIL)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(install, drop)]
