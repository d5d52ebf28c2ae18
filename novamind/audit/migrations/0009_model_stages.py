"""What a model's promotion is called, every move between stages being one; and the way to the runs of one model."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0008_changes"),
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
                    ("MODEL_TRAINING", "Model trained"),
                    ("MODEL_PROMOTION", "Model registered or moved to a stage"),
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
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("event_type", "MODEL_INFERENCE")),
                fields=["object_label", "-at"],
                name="audit_by_model",
            ),
        ),
    ]
