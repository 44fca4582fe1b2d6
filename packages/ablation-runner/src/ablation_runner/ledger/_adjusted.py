"""p-values adjusted over everything that the ledger asks of a study."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import ablation_stats as stats
from ablation_runner.ledger._claim import Asked
from ablation_runner.ledger._measured import Measured

Key = TypeVar("Key")


def adjusted(found: Mapping[Asked, Measured]) -> dict[Asked, Measured]:
    """The same with p-values adjusted by Holm: scores and each cost for themselves, and so differences and equivalence.

    A contrast that is asked for with two margins is one difference and two equivalences.
    """
    result = {}
    for quantity in dict.fromkeys(contrast.quantity for contrast, _ in found):
        family = {asked: each for asked, each in found.items() if asked[0].quantity == quantity}
        different = _holm({contrast: each.p for (contrast, _), each in family.items()})
        equivalent = _holm({asked: each.p_equivalent for asked, each in family.items()})
        for asked, each in family.items():
            result[asked] = replace(each, p=different[asked[0]], p_equivalent=equivalent[asked])
    return {asked: result[asked] for asked in found}


def _holm(values: Mapping[Key, float | None]) -> dict[Key, float | None]:
    tested = {key: value for key, value in values.items() if value is not None}
    if not tested:
        return dict(values)
    found = stats.adjust_pvalues(list(tested.values()), "holm").tolist()
    return {**values, **dict(zip(tested, found, strict=True))}
