"""`idiolect profile --directions`: where a person's preferences point, and how each can be changed."""

from collections.abc import Mapping

from idiolect.cli.show import console, note, printed_json, table
from idiolect.generation.bridge import Direction, directions_of
from idiolect.schema import Profile

ARROWS = {1: "+", 0: "neutral", -1: "-"}


def show_directions(profile: Profile, short: Mapping[str, str], every: bool, json: bool) -> None:
    """Those that point somewhere, or with `every` the neutral ones too; `short` is each statement's id as shown."""
    found = directions_of(profile)
    if json:
        printed_json(found)
        return
    shown = [each for each in found.directions if every or each.sign]
    if not shown:
        console().print(f"{profile.user}: neutral in everything (--all lists what there is)")
        return
    rows = [(each.name, ARROWS[each.sign], each.words, _from(each, short)) for each in shown]
    console().print(table(f"{profile.user}: directions", ("what", "", "preferred", "from"), rows))
    note(
        f"Change one: `idiolect feedback correction -u {profile.user} --attribute NAME --value 0` (or 2, or -2), "
        f"`idiolect memory edit ID -u {profile.user}`."
    )


def _from(direction: Direction, short: Mapping[str, str]) -> str:
    if direction.statement:
        return f"statement {short.get(direction.statement, direction.statement)}"
    return "choices" if direction.source else ""
