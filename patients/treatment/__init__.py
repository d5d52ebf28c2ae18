"""A patient's treatment: medication, conditions, genotype, visits; as forms, pages and over the API."""
