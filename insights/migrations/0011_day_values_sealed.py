"""What was kept as float32 in clear is dropped: the next run of ``insights.derive`` keeps the days anew, sealed."""

from django.db import migrations, models


def drop(apps, schema_editor):
    apps.get_model("insights", "DayValues")._base_manager.all()._raw_delete(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("insights", "0010_own_charts")]

    operations = [
        migrations.RunPython(drop, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="dayvalues",
            name="values",
            field=models.BinaryField(help_text="sealed: (series, days) float64, little-endian, zlib"),
        ),
    ]
