"""``python -m benchmarks.cards``: the figures of recorded benchmarks onto the cards of the methods they measured.

A card's figures are those of ``results.json`` and nothing else: a test compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.__main__ import RESULTS

SHIPPED = Path(__file__).parents[1] / "twins" / "shipped"
#: card -> the benchmark, and how it measured.
CARDS = {
    "lagged_correlation": (
        "correlation",
        "simulated people; benchmarks/correlation.py; normal interval over people",
    ),
    "what_if": (
        "whatif",
        "simulated people of 120 days, less those whose days allow no answer; benchmarks/whatif.py; normal interval "
        "over people",
    ),
}  # fmt: skip


def figures(card: str, results: dict[str, Any]) -> list[dict[str, Any]]:
    """The recorded shares of a benchmark as a card has them; of one that was not recorded none."""
    name, how = CARDS[card]
    made = []
    for one in results.get(name, {}).get("figures", ()):
        population, metric = one["name"].rsplit(": ", 1)
        half = 1.96 * one["median"]  # of these benchmarks it is the standard error
        made.append({
            "metric": f"share: {metric}", "value": round(one["value"], 4), "low": round(max(one["value"] - half, 0), 4),
            "high": round(min(one["value"] + half, 1), 4), "population": f"simulated, {population}", "how": how,
            "n": int(re.search(r"(\d+) people$", population)[1]),  # type: ignore[index]
        })  # fmt: skip
    return made


def main() -> None:
    """Write the cards of all that was recorded."""
    results = json.loads(RESULTS.read_text())
    for card in CARDS:
        path = SHIPPED / f"{card}.json"
        said = json.loads(path.read_text())
        if made := figures(card, results):
            path.write_text(json.dumps(said | {"validity_internal": made}, indent=1, ensure_ascii=False) + "\n")
            print(f"{path.name}: {len(made)} figures")
        else:
            print(f"{path.name}: nothing was recorded")


if __name__ == "__main__":
    main()
