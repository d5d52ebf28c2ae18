"""Why each chart of an event was touched and whether it was opened; the triggers, which SQLite drops with the old table, both ways."""

from django.db import migrations, models

from novamind.audit import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection, triggers.TRAIL)


class Migration(migrations.Migration):
    dependencies = [("audit", "0009_model_stages")]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, install),
        migrations.AddField(
            model_name="auditeventpatient",
            name="purpose",
            field=models.CharField(
                blank=True,
                choices=[
                    ("TREAT", "Treatment"),
                    ("ETREAT", "Emergency treatment"),
                    ("HOPERAT", "Healthcare operations"),
                    ("HRESCH", "Research"),
                ],
                db_default="",
                default="",
                editable=False,
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="auditeventpatient",
            name="opened",
            field=models.BooleanField(
                editable=False, help_text="alone, or on a list of what stands in charts", null=True
            ),
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
