from django.db import migrations, models

from novamind.audit import triggers


def freeze(apps, schema_editor):
    """Again: a new column is not among those of the trigger, and on SQLite the table was written anew without it."""
    triggers.freeze(schema_editor.connection, "insights_encounternote", once="signed_at", sealed=("said",))


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0007_research_export_ended"),
    ]

    operations = [
        migrations.AddField(
            model_name="encounternote",
            name="discarded_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="encounternote",
            constraint=models.CheckConstraint(
                condition=models.Q(("signed_at__isnull", True), ("discarded_at__isnull", True), _connector="OR"),
                name="insights_a_signed_note_is_not_discarded",
            ),
        ),
        migrations.RunPython(freeze, migrations.RunPython.noop),
    ]
