"""Details of model runs and exports, and their kinds of event; the triggers, which SQLite drops with the old table."""

from django.db import migrations, models

from novamind.audit import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, triggers.TRAIL)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_seals"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="details",
            field=models.JSONField(default=dict, editable=False),
        ),
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
                    ("MODEL_TRAINING", "Model trained"),
                    ("MODEL_PROMOTION", "Model put into production"),
                    ("EXPORT", "Taken out"),
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
