"""A contact sheet of a task: images with their regions, questions and answers."""

from collections import defaultdict
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from ._splits import image_rank
from ._task import Task

_IMAGE = 224
_GAP = 14
_LINE = 17
_LINES = 4
_REGION = (255, 0, 160)


def contact_sheet(task: Task, split: str = "test", *, items: int = 18, columns: int = 6) -> Image.Image:
    """Some items of a split on one page, the question types in turn.

    Args:
        task: any task.
        split: train, validation or test.
        items: how many, 1 or more; fewer where the split has fewer.
        columns: items side by side, 1 or more.

    Raises:
        ValueError: the split is unknown or empty, or a number is below 1.
    """
    if items < 1 or columns < 1:
        raise ValueError(f"items and columns must be 1 or more; got {items} and {columns}")
    rows = _spread(task.items(split).rows(named=True), items)
    if not rows:
        raise ValueError(f"{task.name} has no items in {split}")
    height = _IMAGE + (_LINES + 1) * _LINE + 2 * _GAP
    width = _IMAGE + _GAP
    down = -(-len(rows) // columns)
    across = min(columns, len(rows))
    sheet = Image.new("RGB", (across * width + _GAP, down * height + _GAP), "white")
    for place, row in enumerate(rows):
        corner = (_GAP + place % columns * width, _GAP + place // columns * height)
        _card(sheet, corner, task, row)
    return sheet


def _spread(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Items of all question types in turn, of each as a hash orders them."""
    by_type: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: image_rank(row["item_id"], "preview")):
        by_type[row["question_type"]].append(row)
    turns = [
        queue[turn] for turn in range(count) for _, queue in sorted(by_type.items()) if turn < len(queue)
    ]
    return turns[:count]


def _card(sheet: Image.Image, corner: tuple[int, int], task: Task, row: dict[str, Any]) -> None:
    x, y = corner
    if row["image_id"]:
        _picture(sheet, corner, task.image(row["image_id"]), row["regions"])
    draw = ImageDraw.Draw(sheet)
    small, font = ImageFont.load_default(11), ImageFont.load_default(13)
    y += _IMAGE + 4
    draw.text((x, y), f"{row['question_type']} · {row['item_id']}", (120, 120, 120), small)
    answers = " | ".join(dict.fromkeys(row["answers"]))
    lines = _wrapped(row["question"], font, _LINES - 1)
    for number, line in enumerate(lines, 1):
        draw.text((x, y + number * _LINE), line, (20, 20, 20), font)
    for number, line in enumerate(_wrapped(f"answer: {answers}", font, _LINES - len(lines)), len(lines) + 1):
        draw.text((x, y + number * _LINE), line, (0, 90, 200), font)


def _picture(
    sheet: Image.Image, corner: tuple[int, int], image: Image.Image, regions: list[list[float]]
) -> None:
    scale = _IMAGE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Enlarged pixels stay visible as pixels: this is what a model gets.
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BICUBIC
    picture = image.resize(size, how)
    draw = ImageDraw.Draw(picture)
    for left, top, right, bottom in regions:
        # The line runs around the region and hides nothing of it.
        box = (left * size[0] - 2, top * size[1] - 2, right * size[0] + 1, bottom * size[1] + 1)
        draw.rectangle(box, outline=_REGION, width=2)
    sheet.paste(picture, (corner[0] + (_IMAGE - size[0]) // 2, corner[1] + (_IMAGE - size[1]) // 2))


def _wrapped(text: str, font: Any, lines: int) -> list[str]:
    """The text in at most so many lines; a longer one ends in dots."""
    wrapped = [""]
    for word in text.split():
        longer = f"{wrapped[-1]} {word}".strip()
        if font.getlength(longer) <= _IMAGE or not wrapped[-1]:
            wrapped[-1] = longer
        else:
            wrapped.append(word)
    if len(wrapped) > lines:
        last = wrapped[lines - 1]
        while " " in last and font.getlength(f"{last} …") > _IMAGE:
            last = last.rpartition(" ")[0]
        wrapped = [*wrapped[: lines - 1], f"{last} …"]
    return wrapped
