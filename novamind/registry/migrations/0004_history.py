"""Changes of stage are append-only, inference records are again unchangeable, and what was registered has a beginning.

SQLite made the table of inference records anew for its columns, and its triggers went with the old one.
"""

from django.db import migrations

from novamind.audit import triggers

RECORDS = ("registry_inferencerecord",)


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, RECORDS, deletable=True)
    triggers.install(schema_editor.connection, triggers.STAGES)


def drop(apps, schema_editor):
    triggers.drop(schema_editor.connection, triggers.STAGES)


def begin(apps, schema_editor):
    StageChange = apps.get_model("registry", "StageChange")
    for version in apps.get_model("registry", "ModelVersion").objects.filter(changes=None):
        StageChange.objects.create(
            version=version, to_stage=version.stage, by=version.created_by, at=version.created_at,
            reason="Registered before changes of stage were kept.",
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("registry", "0003_stages_and_shadow_runs"), ("audit", "0009_model_stages")]
    operations = [
        migrations.RunPython(install, drop),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
