"""Maps that are the same everywhere: a participant who is shown one is asked about nothing."""

from collections.abc import Sequence

from survey_site.protocols.shown_maps import ORIGINAL, ShownMap


def notices(maps: Sequence[ShownMap]) -> list[str]:
    """What the researcher should know of the maps that a study would seal: those that are empty."""
    found = [row for row in maps if row.empty and row.method != ORIGINAL]
    if not found:
        return []
    images, first = len({row.stimulus_id for row in found}), found[0]
    return [
        f"Maps that are the same everywhere and show nothing: {len(found)} of {len(maps)}, on {images} of the images "
        f"({first.stimulus}, {first.method} of {first.classifier} first). Leave such images out, or know that some "
        "trials ask about an empty map."
    ]
