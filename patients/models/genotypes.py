"""Genotypes: what a laboratory reported of each gene, kept as reported; the newest called result of a gene holds."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.fields import EncryptedField
from novamind.phi.sealed import SealedField
from patients.models.people import Patient
from patients.models.treatment import LINE_LENGTH
from patients.vocabularies import Reported, read_diplotype

MOST_COPIES = 20


class GenotypeQuerySet(PatientRecordQuerySet):
    """Results and the reports they come from."""

    def visible_to(self, user: Any) -> GenotypeQuerySet:
        """Those of the patients this user may see."""
        return self.filter(patient__in=Patient.objects.visible_to(user))


class GenotypeReport(PatientRecord):
    """One report of a laboratory, typed in or read from a table (:class:`GenotypeFile`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="genotype_reports")
    lab = EncryptedField("laboratory", max_length=LINE_LENGTH, null=True, blank=True)
    method = EncryptedField(max_length=LINE_LENGTH, null=True, blank=True)
    sampled_on = models.DateField(null=True, blank=True)
    reported_on = models.DateField(null=True, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now, editable=False)

    objects = GenotypeQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-recorded_at"]

    def __str__(self) -> str:
        return f"genotype report {str(self.pk)[:8]}"


class GenotypeFile(PatientRecord):
    """The table that a report was read from, encrypted; the same file of a patient once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    report = models.OneToOneField(GenotypeReport, on_delete=models.PROTECT, related_name="file")
    sha256 = models.CharField(max_length=64, editable=False)
    size = models.PositiveIntegerField(editable=False)
    file_name = EncryptedField(max_length=255)
    storage_name = models.CharField(max_length=120, editable=False)
    file_key = SealedField(file="storage_name", editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = GenotypeQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        constraints = [models.UniqueConstraint(fields=["patient", "sha256"], name="patients_a_result_table_once")]

    def __str__(self) -> str:
        return f"genotype file {str(self.pk)[:8]}"


class Genotype(PatientRecord):
    """What one report says of one gene. "Not tested" and "indeterminate" are results of their own, never blanks."""

    class State(models.TextChoices):
        """What the laboratory says."""

        CALLED = "called", "Called"
        NOT_TESTED = "not_tested", "Not tested"
        INDETERMINATE = "indeterminate", "Tested, indeterminate"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="genotypes")
    report = models.ForeignKey(GenotypeReport, on_delete=models.PROTECT, related_name="results")
    gene = models.CharField(max_length=20)
    state = models.CharField(max_length=13, choices=State)
    diplotype = EncryptedField("diplotype, as reported", max_length=LINE_LENGTH)
    phenotype = EncryptedField("phenotype, as reported", max_length=LINE_LENGTH, null=True, blank=True)
    copy_number = models.PositiveSmallIntegerField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    entered_in_error = models.BooleanField(default=False, editable=False)
    recorded_at = models.DateTimeField(default=clock.now, editable=False)

    objects = GenotypeQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["gene", "-recorded_at"]
        indexes = [models.Index(fields=["patient", "gene"], name="patients_genotype_of_gene")]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "gene"], condition=Q(entered_in_error=False), name="patients_a_gene_once_a_report"
            ),
            models.CheckConstraint(
                condition=Q(copy_number__isnull=True) | Q(copy_number__lte=MOST_COPIES), name="patients_genotype_copies"
            ),
        ]

    def __str__(self) -> str:
        return f"genotype {str(self.pk)[:8]}"

    @property
    def reported(self) -> Reported:
        """The text against our table of alleles."""
        return read_diplotype(self.gene, self.diplotype)
