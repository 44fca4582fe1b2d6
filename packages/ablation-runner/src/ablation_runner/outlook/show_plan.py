"""The plan of a study on a terminal: what runs, what differs, what it will cost, what it can decide."""

import textwrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablation_runner.cleaning.clean import size_text
from ablation_runner.outlook.describe_plan import Described

_NOT_TRAINED = " that test weights which are there (nothing is trained)"


def show_plan(plan: Described, console: Console) -> None:
    """Prints a plan as `describe_plan` gives it."""
    arms, trials = plan["arms"], plan["trials"]
    console.print(Text(plan["name"], style="bold") + Text(f": {plan['question']}"))
    steps = "" if plan["steps"] is None else f" of {plan['steps']} steps" if plan["steps"] else _NOT_TRAINED
    console.print(
        f"{_size(plan)}{steps}; metric {plan['metric']}; {plan['claims']} claims",
        highlight=False,
    )
    if plan["steps"] is None:
        _show_commands(arms, console)
    else:
        _show_costs(arms, console)
    console.print("What differs from the baseline besides what follows from it:")
    for arm in arms[1:]:
        control = " (control)" if arm["role"] == "blind control" else ""
        for difference in arm["differences"]:
            console.print(Text(f"  {arm['name']}: {difference}{control}"), soft_wrap=True)
    left, added = sum(not trial["finished"] for trial in trials), plan["most"]["trials"] - len(trials)
    console.print(
        f"{len(trials) - left} trials are finished; {_span(left, left + added)} to run, {_time(plan)}",
        highlight=False,
    )
    _show_reuse(plan["reuse"], console)
    _show_decidable(plan, console)


def _time(plan: Described) -> str:
    """How long what is left will take."""
    if plan["seconds"] is None and plan["steps"] is None:
        return f"{plan['at_once']} at a time; how long the command takes is known once a trial has finished"
    if plan["seconds"] is None:
        return f"{plan['at_once']} at a time; steps in half precision are for an accelerator, and are not timed here"
    based_on = (
        "as the finished ones took"
        if plan["steps"] is None
        else "steps timed on this machine now; starting up and extracting features come on top"
    )
    minutes = [f"{each / plan['at_once'] / 60:.1f}" for each in (plan["seconds"], plan["most"]["seconds"])]
    return f"about {_span(*minutes)} minutes with {plan['at_once']} at a time ({based_on})"


def _show_commands(arms: list[Described], console: Console) -> None:
    """The command of each arm under the first seed, as it would be typed."""
    console.print("What runs, under the first seed:")
    for arm in arms:
        console.print(Text(f"  {arm['name']}: {arm['runs']}"), soft_wrap=True)


def _size(plan: Described) -> str:
    """Arms, seeds and trials; as needed, the fewest and the most of them."""
    arms, seeds, rule = len(plan["arms"]), plan["seeds"], plan["seeds_as_needed"]
    if rule is None:
        return f"{arms} arms × {len(seeds)} seeds {seeds} = {len(plan['trials'])} trials"
    return (
        f"{arms} arms × {rule['min']} to {rule['max']} seeds, until the claims are {rule['until']} ({rule['spending']}) = "
        f"{_span(len(plan['trials']), plan['most']['trials'])} trials"
    )


def _span(least: object, most: object) -> str:
    """A number, or two where the most is more than the least."""
    return str(least) if least == most else f"{least} to {most}"


def _show_reuse(reuse: Described, console: Console) -> None:
    """What is there already, by the names of its folders."""
    lines = []
    for stage in reuse["stages"]:
        many = f", shared by {len(stage['trials'])} trials" if len(stage["trials"]) > 1 else ""
        if stage["done"] == stage["steps"]:
            lines.append(f"stage {stage['name']} {stage['key']} is trained{many}")
        elif stage["done"]:
            lines.append(
                f"stage {stage['name']} {stage['key']} goes on at step {stage['done']} of {stage['steps']}{many}"
            )
        elif many:
            lines.append(f"stage {stage['name']} {stage['key']} is trained once{many}")
    lines += [f"features {store['key']} of {store['images']:,} images" for store in reuse["features"]]
    done = reuse["steps"] - reuse["steps_left"]
    steps = f"; {done:,} of {reuse['steps']:,} steps of the others" if reuse["steps"] else ""
    console.print(
        f"Reused: {len(reuse['trials'])} trials{steps}{':' if lines else ''}",
        highlight=False,
    )
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)


def _show_decidable(plan: Described, console: Console) -> None:
    """Each claim with its answer, the numbers in words, and what they rest on."""
    claims = plan["decidable"]
    if not claims:
        return
    if plan["seeds_as_needed"]:
        console.print("What the last look, at the most seeds, can decide alone; earlier looks add to it:")
    else:
        console.print("What the planned seeds and items can decide:")
    for claim in claims:
        answer = "yes" if claim["decidable"] else "no"
        about = f" ({claim['type']} questions)" if claim["type"] else ""
        console.print(Text(f"  {answer:4}{claim['text']}{about}", style="bold"), soft_wrap=True)
        console.print(Text(textwrap.indent(claim["reason"], " " * 6)), soft_wrap=True)
    for basis in dict.fromkeys(claim["rests_on"] for claim in claims):
        count = sum(claim["rests_on"] == basis for claim in claims)
        console.print(Text(f"  {count} of {len(claims)} rest on: {basis}"), soft_wrap=True)


def _show_costs(arms: list[Described], console: Console) -> None:
    """What each arm costs, or why nobody knows."""
    unknown = dict.fromkeys(arm["unknown"] for arm in arms if "unknown" in arm)
    known = [arm for arm in arms if "unknown" not in arm]
    if known:
        console.print(_cost_table(known))
    if any(arm["memory"]["activations"] is None for arm in known):
        console.print(
            "+: activations come on top, and an encoder that trains: not counted where pixels are read or pairs are learned",
            highlight=False,
        )
    if stored := max(arm.get("stored", 0) for arm in arms):
        console.print(
            f"Stored of the images, for an arm: up to {size_text(stored)} on disk, of which a step reads what it needs",
            highlight=False,
        )
    for reason in unknown:
        console.print(
            Text(f"What {'other ' if known else ''}arms cost is not known: {reason}"), soft_wrap=True
        )


def _cost_table(arms: list[Described]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("arm", no_wrap=True)
    for heading in ("parameters", "MACs", "tokens", "time", "memory"):
        table.add_column(heading, justify="right", no_wrap=True)
    baseline = arms[0]
    for arm in arms:
        table.add_row(
            Text(arm["name"]),
            f"{arm['parameters']:,}{_change(arm['parameters'], baseline['parameters'])}",
            f"{_macs_text(arm['macs'])}{_change(arm['macs'], baseline['macs'])}",
            str(arm["visual_tokens"]),
            "" if arm["seconds"] is None else f"{arm['seconds']:.0f} s",
            size_text(arm["memory"]["total"]) + (" +" if arm["memory"]["activations"] is None else ""),
        )
    return table


def _macs_text(macs: int) -> str:
    """Multiply-accumulates in millions, or in billions from ten of them up.

    >>> _macs_text(15_730_000), _macs_text(219_200_470_000)
    ('15.73 M', '219.20 G')
    """
    return f"{macs / 1e9:.2f} G" if macs >= 1e10 else f"{macs / 1e6:.2f} M"


def _change(value: int, baseline: int) -> str:
    return "" if value == baseline else f" ({100 * (value / baseline - 1):+.0f} %)"
