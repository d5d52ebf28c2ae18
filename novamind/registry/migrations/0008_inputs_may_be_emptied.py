"""What a record was computed from may be emptied when its time is over; nothing else of it changes, as before."""

from django.db import migrations

from novamind.audit import triggers

TABLES = ("registry_inferencerecord",)


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, TABLES, deletable=True, emptied="input_array")


def reinstall(apps, schema_editor):
    triggers.install(schema_editor.connection, TABLES, deletable=True)


class Migration(migrations.Migration):
    dependencies = [("registry", "0007_change_detector"), ("audit", "0010_purpose_of_each_patient")]
    operations = [migrations.RunPython(install, reinstall)]
