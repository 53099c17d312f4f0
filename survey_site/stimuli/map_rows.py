"""The row of a map, whoever made it: the worker, `explain` elsewhere, or another program."""

from typing import Any

from survey_site.stimuli.models import SaliencyMap, Stimulus


def put_map(
    stimulus: Stimulus,
    classifier: str,
    method: str,
    *,
    parameters_hash: str,
    layer: str = "",
    class_index: int = -1,
    rank: int = 0,
    **facts: Any,
) -> SaliencyMap:
    """The row of this very map, now the current one for its image, classifier, method and rank. facts: further fields."""
    own: dict[str, Any] = {"stimulus": stimulus, "classifier": classifier, "method": method}
    SaliencyMap.objects.filter(**own, rank=rank).change(current=False)
    row, _ = SaliencyMap.objects.update_or_create(
        **own,
        layer=layer,
        class_index=class_index,
        parameters_hash=parameters_hash,
        defaults={"rank": rank, "current": True, **facts},
    )
    return row
