"""Measure linking companies by name and address, with addresses as texts and taken apart.

Run: python -m bench.linkage_addresses [--records N] [--seed N]
The companies are made up (`linkage_example.organisations`): three fifths of the records in the first table, two fifths
in the second, half of the smaller number in both; only names and addresses are compared. Of the second table's
addresses most are written in another way: signs of full width, traditional signs, without city, with building and room.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

import numpy as np

from cityloom.registers.domain import linkage_config, linkage_example
from cityloom.registers.domain.linkage_addresses import parts_of
from cityloom.registers.domain.linkage_config import Config
from cityloom.registers.linkage import engine

_GUIDE = Path("docs/reference/linkage.md")
_FULL = str.maketrans("0123456789", "０１２３４５６７８９")
_AS_TEXT = (
    ("parsed: {columns: [address]}\n", ""),
    ("  - [name.start, address.road]\n  - [address.road, address.number]\n  - [address.place, address.building]\n",
     "  - [name.start, address.numbers]\n  - [name.end, address.numbers]\n  - [address]\n"),
    ("  - [address.road, address.number]\n", "  - [address]\n"),
)  # fmt: skip


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--records", type=int, default=50_000)
    arguments.add_argument("--seed", type=int, default=7)
    chosen = arguments.parse_args()
    parts = int(chosen.records * 0.6), int(chosen.records * 0.4), int(chosen.records * 0.2)
    made = linkage_example.organisations(*parts, chosen.seed)
    chance = np.random.default_rng(chosen.seed)
    made.right["address"] = [_otherwise(text, chance) for text in made.right["address"]]
    _say_reading({*made.left["address"], *made.right["address"]})
    for name, config in (("addresses as texts", _as_texts()), ("addresses in parts", linkage_config.read(_example()))):
        _say_linking(name, config, made)
    return 0


def _otherwise(text: str, chance: np.random.Generator) -> str:
    if chance.random() < 0.4:
        text = text.translate(_FULL)
    if chance.random() < 0.3:
        text = text.replace("号", "號")
    if chance.random() < 0.4:
        text = text[text.index("市") + 1 :]
    if chance.random() < 0.4:
        text += f"{chance.integers(1, 9)}栋{chance.integers(1, 30)}0{chance.integers(1, 9)}室"
    return text


def _example() -> str:
    blocks = re.findall(r"```yaml\n(.*?)```", _GUIDE.read_text("utf-8"), re.DOTALL)
    return next(block for block in blocks if "reaches:" in block)


def _as_texts() -> Config:
    """The same names, and addresses as the shipped configuration blocks and compares them."""
    text, shipped = _example(), linkage_config.shipped_text("organisations")
    for ours, theirs in _AS_TEXT:
        text = text.replace(ours, theirs, 1)
    levels = shipped[shipped.index("  address:\n    -") : shipped.index("  locality:\n    -")]
    return linkage_config.read(text[: text.rindex("  address:\n")] + levels)


def _say_reading(texts: set[str]) -> None:
    worked = time.process_time()
    for text in texts:
        parts_of(text)
    spent = time.process_time() - worked
    print(json.dumps({"what": "addresses taken apart", "different": len(texts), "cpu_seconds": round(spent, 2),
                      "a_second": round(len(texts) / spent)}), flush=True)  # fmt: skip


def _say_linking(name: str, config: Config, made: linkage_example.Linked) -> None:
    tables = {
        "first": {one: made.left[one] for one in config.columns},
        "second": {one: made.right[one] for one in config.columns},
    }
    worked = time.process_time()
    links = engine.link(tables, config, free_of_duplicates=frozenset(tables))
    links = links.taken(links.probability >= config.certain)
    spent = time.process_time() - worked
    true = set(zip(*(side.tolist() for side in made.same), strict=True))
    found = set(zip(links.left_row.tolist(), links.right_row.tolist(), strict=True))
    precision, recall = len(found & true) / max(len(found), 1), len(found & true) / len(true)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    blocked = engine.share_blocked(tables, config, [(0, one, 1, other) for one, other in true])
    print(json.dumps({"what": name, "cpu_seconds": round(spent, 2), "precision": round(precision, 4),
                      "recall": round(recall, 4), "f1": round(f1, 4),
                      "recall_of_blocking": round(blocked, 4)}), flush=True)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
