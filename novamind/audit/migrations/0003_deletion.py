"""A name for deletions, and triggers that also know SQLite's rowid."""

from django.db import migrations, models

from novamind.audit import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, triggers.TRAIL)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_append_only"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="event_type",
            field=models.CharField(
                choices=[
                    ("API_ACCESS", "Request"),
                    ("API_RESPONSE", "Refused request"),
                    ("DATA_ACCESS", "Chart read"),
                    ("CREATION", "Created"),
                    ("MODIFICATION", "Changed"),
                    ("DELETION", "Deleted"),
                    ("MODEL_INFERENCE", "Model run"),
                    ("CLINICAL_DECISION_SUPPORT", "Decision support"),
                    ("DATA_COLLECTION", "Data collected"),
                    ("SIGN_IN", "Signed in"),
                    ("SIGN_OUT", "Signed out"),
                    ("SIGN_IN_FAILED", "Sign-in failed"),
                ],
                editable=False,
                max_length=32,
            ),
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
