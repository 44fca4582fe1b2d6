"""What lies where in a scene, for objectives that supervise boxes and for detectors."""

from typing import NamedTuple

from vlm_tasks._items import Box

from ._parts import Scene
from ._writing import text_box


class Label(NamedTuple):
    """One property of what is in a box."""

    box: Box
    kind: str
    """`color`, `shape` and `texture` of a thing, `gap` of the ring, or a written `word` or `number`."""
    value: str
    """As an answer would say it: `red`, `star`, `striped`, `left`, `lamp`, `305`."""


def scene_labels(scene: Scene) -> tuple[Label, ...]:
    """Every property that a question may ask of a single box; patterns, which have no name, are left out."""
    labels = []
    for thing in scene.things:
        properties = {"color": thing.colour, "shape": thing.shape, "texture": thing.texture}
        labels += [Label(thing.box, *pair) for pair in properties.items()]
    if scene.ring is not None:
        labels.append(Label(scene.ring.box, "gap", scene.ring.gap))
    for kind, text in zip(("word", "number"), scene.texts, strict=False):
        labels.append(Label(text_box(text), kind, text.words.lower()))
    return tuple(labels)
