"""How a version came to its stage; what a shadow run, an abstention and a comparison of inputs need."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import novamind.clock


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0002_immutable"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StageChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "from_stage",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("draft", "Draft"),
                            ("shadow", "Shadow"),
                            ("production", "Production"),
                            ("retired", "Retired"),
                        ],
                        editable=False,
                        max_length=12,
                    ),
                ),
                (
                    "to_stage",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("shadow", "Shadow"),
                            ("production", "Production"),
                            ("retired", "Retired"),
                        ],
                        editable=False,
                        max_length=12,
                    ),
                ),
                ("by", models.CharField(editable=False, max_length=160)),
                (
                    "reason",
                    models.CharField(editable=False, help_text="names no patient: all staff read it", max_length=1000),
                ),
                ("at", models.DateTimeField(default=novamind.clock.now, editable=False)),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="inferencerecord",
            name="registry_one_record_per_input",
        ),
        migrations.AddField(
            model_name="inferencerecord",
            name="abstention",
            field=models.CharField(blank=True, editable=False, help_text="its code; empty: an output", max_length=24),
        ),
        migrations.AddField(
            model_name="inferencerecord",
            name="batch_size",
            field=models.PositiveSmallIntegerField(default=1, editable=False),
        ),
        migrations.AddField(
            model_name="inferencerecord",
            name="duration_ms",
            field=models.FloatField(editable=False, help_text="of the run, all of its batch together", null=True),
        ),
        migrations.AddField(
            model_name="inferencerecord",
            name="input_summary",
            field=models.JSONField(
                default=list,
                editable=False,
                help_text="one number per input that the version's reference_statistics name",
            ),
        ),
        migrations.AddField(
            model_name="inferencerecord",
            name="shadow",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="reference_statistics",
            field=models.JSONField(
                default=list, help_text="the inputs it expects: name, quantile edges, share between them, n, per input"
            ),
        ),
        migrations.AlterField(
            model_name="inferencerecord",
            name="output",
            field=models.JSONField(
                editable=False, help_text="what the model gave, or the stored form of an abstention"
            ),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="card",
            field=models.JSONField(default=dict, help_text="the answers that novamind.registry.cards asks for"),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="kind",
            field=models.CharField(
                choices=[
                    ("encoder", "Encoder"),
                    ("cohort", "Reference cohort"),
                    ("anomaly", "Anomaly detector"),
                    ("head", "Head"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="inferencerecord",
            index=models.Index(fields=["model_version", "-created_at"], name="registry_by_version"),
        ),
        migrations.AddConstraint(
            model_name="inferencerecord",
            constraint=models.UniqueConstraint(
                fields=("model_version", "patient_id", "input_hash", "shadow"), name="registry_one_record_per_input"
            ),
        ),
        migrations.AddField(
            model_name="stagechange",
            name="by_user",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="stagechange",
            name="version",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="changes",
                to="registry.modelversion",
            ),
        ),
    ]
