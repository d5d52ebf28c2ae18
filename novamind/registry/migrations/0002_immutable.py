"""Inference records are not changed, not even by SQL."""

from django.db import migrations

from novamind.audit import triggers

TABLES = ("registry_inferencerecord",)


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, TABLES, deletable=True)


def drop(apps, schema_editor):
    triggers.drop(schema_editor.connection, TABLES)


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial"), ("audit", "0002_append_only")]
    operations = [migrations.RunPython(install, drop)]
