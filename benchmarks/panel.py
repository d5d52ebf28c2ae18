"""One patient's pharmacogenomic panel: every gene of the rules, every drug of theirs, two drugs taken."""

from __future__ import annotations

import time
from random import Random

import numpy as np

from benchmarks.figures import Figure

PEOPLE, TARGET_MS = 200, 20.0


def measure() -> list[Figure]:
    """Panels of synthetic people, no two alike, with nothing remembered of the one before."""
    from twins.science.pgx import Question, answer, shipped_conversions, shipped_rules
    from twins.science.pgx.reading import read_gene
    from twins.science.pgx.recommending import _of_block

    rules, known = shipped_rules(), shipped_conversions()
    chance, took = Random(7), []
    for _ in range(PEOPLE):
        genes = {
            symbol: "/".join(chance.choices(sorted(table.alleles), k=2)) for symbol, table in rules.genes.items()
        } | {"HLA-A": "*31:01 negative", "HLA-B": chance.choice(["*15:02 negative; *15:11 negative", "*15/*07"])}
        question = Question(genes, rules.drugs, ("paroxetine", "fluvoxamine"))
        read_gene.cache_clear()
        _of_block.cache_clear()
        begun = time.process_time()
        answer(question, rules, known)
        took.append(1e3 * (time.process_time() - begun))
    p95, median = float(np.quantile(took, 0.95)), float(np.median(took))
    name = f"panel, {len(rules.symbols)} genes and {len(rules.drugs)} drugs, nothing cached, processor time"
    return [Figure(f"{name}, p95", p95, median, "ms", None, "", f"<= {TARGET_MS:g} ms", p95 <= TARGET_MS)]
