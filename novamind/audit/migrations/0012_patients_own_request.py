"""A further purpose: the patient's own request."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0011_attempts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("TREAT", "Treatment"),
                    ("ETREAT", "Emergency treatment"),
                    ("HOPERAT", "Healthcare operations"),
                    ("HRESCH", "Research"),
                    ("PATRQT", "The patient's own request"),
                ],
                editable=False,
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="auditeventpatient",
            name="purpose",
            field=models.CharField(
                blank=True,
                choices=[
                    ("TREAT", "Treatment"),
                    ("ETREAT", "Emergency treatment"),
                    ("HOPERAT", "Healthcare operations"),
                    ("HRESCH", "Research"),
                    ("PATRQT", "The patient's own request"),
                ],
                db_default="",
                default="",
                editable=False,
                max_length=8,
            ),
        ),
    ]
