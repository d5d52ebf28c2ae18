"""Consents are unchangeable in the database itself; a disposal may still delete them."""

from django.db import migrations

from novamind.audit import triggers

TABLES = ("patients_consent",)


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, TABLES, deletable=True)


def drop(apps, schema_editor):
    triggers.drop(schema_editor.connection, TABLES)


class Migration(migrations.Migration):
    dependencies = [("patients", "0002_consent_emergency_psychotherapy"), ("audit", "0002_append_only")]

    operations = [migrations.RunPython(install, drop)]
