"""A further purpose: emergency treatment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_deletion")]

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
                ],
                editable=False,
                max_length=8,
            ),
        ),
    ]
