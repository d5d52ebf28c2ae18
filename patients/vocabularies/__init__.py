"""What treatment is written in: drugs, doses, genes and alleles, codes of conditions, dates that are known in part.

Data and plain Python, no Django: models, forms, the API and whatever reads a genotype later use the same.
"""

from patients.vocabularies.dates import PartialDate, WrongDate
from patients.vocabularies.doses import FREQUENCIES, UNITS, Dose
from patients.vocabularies.drugs import Drug, drug, drugs
from patients.vocabularies.genes import Call, Gene, Reported, genes, read_diplotype
from patients.vocabularies.icd10 import WrongCode, icd10, is_substance_use
from patients.vocabularies.pharmcat import NoPharmcatReport, read_pharmcat

__all__ = [
    "FREQUENCIES",
    "UNITS",
    "Call",
    "Dose",
    "Drug",
    "Gene",
    "NoPharmcatReport",
    "PartialDate",
    "Reported",
    "WrongCode",
    "WrongDate",
    "drug",
    "drugs",
    "genes",
    "icd10",
    "is_substance_use",
    "read_diplotype",
    "read_pharmcat",
]
