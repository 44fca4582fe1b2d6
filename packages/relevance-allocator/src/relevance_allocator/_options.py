"""The options of an allocator. Free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relevance_allocator._check_options import (
    NEUTRAL,
    check_fixed_amount,
    check_priced_amount,
    check_tension,
    check_texture,
    check_ways,
    check_weighting,
)
from relevance_allocator._groups import GROUPS
from relevance_allocator._names import (
    Number,
    check_at_least,
    check_counts,
    check_fraction,
    check_known,
    check_positive,
    check_switch,
    names_of,
)
from relevance_allocator._way_options import way_options


@dataclass(frozen=True, kw_only=True)
class AllocatorOptions:
    """All that makes an allocator; every part can be left out or swapped.

    Attributes:
        ways: ways of knowing whose relevance is averaged, 1 or more; a name of `list_ways()`, or
            `package.module:Name` for a way of your own (see `create_way`).
        way_options: options by way.
        weighting: how the ways are averaged: `equal`, `learned` (softmax of one parameter per way), or a weight in
            0..1 for each way, together 1 (`fit_weights` finds them on validation images).
        calibration: `range` or `rank`, see `calibrate`.
        texture: groups of the texture array.
        compress_particularize: `learned`, `off`, or a fixed value in 0..1; needs amount `priced`.
        exploit_explore: `learned`, `off`, or fixed.
        focus_diversify: `learned`, `off`, or fixed.
        strength: largest factor that compress_particularize puts on relevance, 1 or more.
        temperature: noise on relevance (0..1) at full exploration when training starts, 0 or more.
        diversity: weight of diversity when focus_diversify is 1, 0..1.
        spatial: share of nearness against likeness of texture in diversity, 0..1.
        amount: `fixed` gives every image `budget`, `priced` buys at a price fitted to a mean of `budget`.
        budget: tokens per image (mean), 1 or more.
        lowest: least tokens of an image under a price; None is half the budget, rounded up.
        highest: most tokens of an image under a price; None is twice the budget.
        placement: `top-k`, `levels` (4x4 blocks, full, 2x2 or 4x4 pooled) or `oracle` (levels from the regions).
        cover: `levels` and `oracle` keep at least one token per block.
        softness: of the gradient of the choice, above 0, in units of relevance.
    """

    ways: tuple[str, ...] = ("propositional", "perspectival", "participatory")
    way_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    weighting: str | tuple[Number, ...] = "equal"
    calibration: str = "range"
    texture: tuple[str, ...] = tuple(GROUPS)
    compress_particularize: str | Number = "learned"
    exploit_explore: str | Number = "learned"
    focus_diversify: str | Number = "learned"
    strength: Number = 4.0
    temperature: Number = 0.2
    diversity: Number = 0.5
    spatial: Number = 0.5
    amount: str = "priced"
    budget: int = 144
    lowest: int | None = None
    highest: int | None = None
    placement: str = "top-k"
    cover: bool = True
    softness: Number = 0.1

    def __post_init__(self) -> None:
        """Checks every field, and that no part would be without effect."""
        object.__setattr__(self, "ways", names_of("ways", self.ways))
        object.__setattr__(self, "texture", names_of("texture", self.texture))
        if not isinstance(self.weighting, str):
            object.__setattr__(self, "weighting", tuple(self.weighting))
        check_ways(self.ways, self.way_options)
        check_weighting(self.weighting, len(self.ways))
        check_texture(self.ways, self.texture)
        check_known("calibration", self.calibration, ("range", "rank"))
        check_known("amount", self.amount, ("fixed", "priced"))
        check_known("placement", self.placement, ("levels", "oracle", "top-k"))
        for name in NEUTRAL:
            check_tension(name, getattr(self, name))
        check_at_least(1, strength=self.strength)
        check_at_least(0, temperature=self.temperature)
        check_fraction("diversity", self.diversity)
        check_fraction("spatial", self.spatial)
        check_positive(softness=self.softness)
        check_counts(budget=self.budget)
        check_switch(cover=self.cover)
        if self.amount == "fixed":
            check_fixed_amount(self.compress_particularize, self.lowest, self.highest)
        else:
            lowest, highest = self.price_range
            check_priced_amount(lowest, self.budget, highest, self.placement)

    @property
    def price_range(self) -> tuple[int, int]:
        """Fewest and most tokens of an image under a price.

        >>> AllocatorOptions(budget=5).price_range
        (3, 10)
        """
        lowest = (self.budget + 1) // 2 if self.lowest is None else self.lowest
        return lowest, 2 * self.budget if self.highest is None else self.highest

    @property
    def trains(self) -> bool:
        """Whether something of it is trained or fitted, so that it is of no use fresh; a way of one's own may be.

        >>> AllocatorOptions().trains
        True
        """
        learned = "learned" in (self.weighting, *(getattr(self, name) for name in NEUTRAL))
        ways = any(name == "participatory" or ":" in name for name in self.ways)
        return learned or ways or self.amount == "priced"

    @property
    def needs(self) -> tuple[str, ...]:
        """What a call has to bring, sorted: attention, grid, joint, positions, query, regions, texture, generator.

        What ways of your own need is not known here. Learned tensions also look at the question where the allocator is
        built with a `query_dim`; exploration needs a generator in training only.

        >>> AllocatorOptions(ways=("perspectival",), exploit_explore="off").needs
        ('grid', 'positions', 'texture')
        """
        own = (way_options(name, self.way_options.get(name)).needs for name in self.ways if ":" not in name)
        found = {need for needs in own for need in needs}
        if "learned" in (getattr(self, name) for name in NEUTRAL) or self.placement != "top-k":
            found.add("grid")
        if self.placement == "oracle":
            found.add("regions")
        elif self.focus_diversify not in ("off", 0):
            found.add("positions")
        return tuple(sorted(found))
