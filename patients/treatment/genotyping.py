"""Genotypes: typed in or read from a file, kept as reported, the newest called result of a gene first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object, note_type, on_rollback
from novamind.jobs.services import publish
from novamind.phi.uploads import EncryptedUpload, seal
from patients.consent import require
from patients.models import Genotype, GenotypeFile, GenotypeReport, Patient, TreatmentChange
from patients.services import StaleEdit
from patients.treatment.results import MOST_BYTES, read_results
from patients.treatment.services import GENOTYPE, WrongEntry, today
from patients.treatment.tables import MOST_COPIES, Line, UnreadableTable
from patients.vocabularies import Call, read_diplotype
from patients.vocabularies.genes import LONGEST, SYMBOL


def enter_genotype(
    *,
    patient: Patient,
    by: User | None,
    gene: str,
    diplotype: str,
    phenotype: str | None = None,
    copy_number: int | None = None,
    **report: Any,
) -> Genotype:
    """One result typed in; ``report``: lab, method, sampled_on, reported_on. ``WrongEntry``, ``ConsentWithheld``."""
    require(patient, *GENOTYPE)
    symbol, text = gene.strip().upper(), " ".join(diplotype.split())
    if not SYMBOL.fullmatch(symbol):
        raise WrongEntry("gene", "Write the symbol of the gene, such as CYP2D6.")
    if not 0 < len(text) <= LONGEST:
        raise WrongEntry("diplotype", f"Write the diplotype as reported, in at most {LONGEST} characters.")
    if copy_number is not None and not 0 <= copy_number <= MOST_COPIES:
        raise WrongEntry("copy_number", f"At most {MOST_COPIES} copies.")
    line = Line(symbol, text, phenotype or None, copy_number, None, None, 0)
    with transaction.atomic():
        made = _report(patient, by, **report)
        result = _result(made, line)
        result.save(force_insert=True)
        _announce(made, by)
    return result


def ingest_results(
    *, patient: Patient, upload: EncryptedUpload, by: User | None, **report: Any
) -> tuple[GenotypeReport, bool]:
    """Read a table or PharmCAT's JSON and keep its results with the file, encrypted; the same file again returns the
    first report.

    It is refused where every result of that report was marked as an error: none of it is in the chart.

    Returns
    -------
    (report, created)

    Raises
    ------
    UnreadableTable
        Nothing of the file was kept.
    WrongEntry, ConsentWithheld
    """
    require(patient, *GENOTYPE)
    if known := GenotypeFile.objects.filter(patient=patient, sha256=upload.sha256).select_related("report").first():
        note_type(EventType.DATA_ACCESS)
        with aggregates():
            stands = Genotype.objects.filter(report=known.report_id, entered_in_error=False).exists()
        if not stands:
            said = "This file was read before, and all its results were marked as errors. Enter those that are right."
            raise WrongEntry("file", said)
        return known.report, False
    with upload.plaintext() as content:
        lines = read_results(content.read(MOST_BYTES + 1))
    report = _from_lines(lines) | {name: value for name, value in report.items() if value}
    try:
        with transaction.atomic():
            made = _report(patient, by, **report)
            Genotype.objects.bulk_create([_result(made, line) for line in lines])
            _keep(made, upload)
            _announce(made, by)
    except IntegrityError:  # the same file, sent twice at once: the other one was first
        known = GenotypeFile.objects.filter(patient=patient, sha256=upload.sha256).select_related("report").first()
        if known is None:
            raise
        return known.report, False
    return made, True


def mark_genotype_in_error(genotype: Genotype, *, version: int, by: User | None, why: str) -> Genotype:
    """It is another person's, or was typed wrongly: it stays, marked, and an earlier result holds again.

    Raises
    ------
    StaleEdit, ConsentWithheld
    """
    require(genotype.patient_id, *GENOTYPE)
    with transaction.atomic():
        with aggregates():
            standing = Genotype.objects.filter(pk=genotype.pk, version=version, entered_in_error=False)
            if not standing.update(version=F("version") + 1, entered_in_error=True):
                raise StaleEdit
        genotype.version, genotype.entered_in_error = version + 1, True
        genotype.save(update_fields=["version", "entered_in_error"])
        TreatmentChange.objects.create(
            patient_id=genotype.patient_id, about_id=genotype.pk, what=TreatmentChange.What.IN_ERROR, by=by, before={},
            why=why,
        )  # fmt: skip
        actor = by.pk if by else None
        publish("genotype.recorded", actor=actor, report_id=genotype.report_id, patient_id=genotype.patient_id)
    note_object(EventType.MODIFICATION, "patients.Genotype", genotype.pk)
    return genotype


def holding(results: Iterable[Genotype]) -> dict[str, Genotype]:
    """The result of each gene that holds: of the latest report, by the day it was reported, else entered.

    A result that was not tested, has no call or is a text that cannot be taken apart never takes the place of a
    diplotype that was read. Results that were entered in error count nowhere. Needs ``report`` loaded.
    """
    found: dict[str, Genotype] = {}
    for one in results:
        if not one.entered_in_error and (one.gene not in found or _rank(one) > _rank(found[one.gene])):
            found[one.gene] = one
    return found


def when(result: Genotype) -> tuple[date, Any]:
    """Its place in time: the day it was reported, else sampled, else entered; of one day, as they were entered."""
    return result.report.reported_on or result.report.sampled_on or result.recorded_at.date(), result.recorded_at


def _rank(result: Genotype) -> tuple[int, tuple[date, Any]]:
    says = {Genotype.State.NOT_TESTED: 0, Genotype.State.INDETERMINATE: 1}.get(
        Genotype.State(result.state), 3 if result.reported.read else 2
    )
    return says, when(result)


def _report(patient: Patient, by: User | None, **said: Any) -> GenotypeReport:
    for name in ("sampled_on", "reported_on"):
        day = said.get(name)
        if day is not None and not patient.date_of_birth <= day <= today(patient):
            raise WrongEntry(name, "This day is before the patient was born or still to come.")
    sampled, reported = said.get("sampled_on"), said.get("reported_on")
    if sampled and reported and reported < sampled:
        raise WrongEntry("reported_on", "It was reported before the sample was taken.")
    return GenotypeReport.objects.create(
        patient=patient, recorded_by=by, lab=said.get("lab") or None, method=said.get("method") or None,
        sampled_on=sampled, reported_on=reported,
    )  # fmt: skip


def _result(report: GenotypeReport, line: Line) -> Genotype:
    call = read_diplotype(line.gene, line.diplotype).call
    state = {Call.NOT_TESTED: Genotype.State.NOT_TESTED, Call.INDETERMINATE: Genotype.State.INDETERMINATE}
    return Genotype(
        patient_id=report.patient_id, report=report, gene=line.gene, diplotype=line.diplotype,
        state=state.get(call, Genotype.State.CALLED), phenotype=line.phenotype, copy_number=line.copy_number,
        recorded_at=clock.now(),
    )  # fmt: skip


def _from_lines(lines: list[Line]) -> dict[str, Any]:
    """The laboratory and the date that the table itself names; it has to name one of each."""
    found: dict[str, Any] = {}
    for name, attribute, words in (("lab", "lab", "laboratories"), ("reported_on", "reported_on", "dates")):
        for line in lines:
            value = getattr(line, attribute)
            if value is None:
                continue
            if found.setdefault(name, value) != value:
                raise UnreadableTable(
                    f"The table names two {words}; send each report as a file of its own.", line.number
                )
    return found


def _keep(report: GenotypeReport, upload: EncryptedUpload) -> None:
    row = GenotypeFile(
        patient_id=report.patient_id, report=report, sha256=upload.sha256, size=upload.size,
        file_name=(upload.name or "results")[:255],
    )  # fmt: skip
    name, key = seal(upload, owner=report.patient_id, table=GenotypeFile._meta.db_table, row=row.pk)
    on_rollback(lambda: default_storage.delete(name))
    row.storage_name, row.file_key = name, key
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        default_storage.delete(name)
        raise


def _announce(report: GenotypeReport, by: User | None) -> None:
    publish("genotype.recorded", actor=by.pk if by else None, report_id=report.pk, patient_id=report.patient_id)
    note_object(EventType.CREATION, "patients.GenotypeReport", report.pk)
