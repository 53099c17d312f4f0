"""Which values of a network are feature maps, which of them is explained, and how one is named."""

from collections.abc import Sequence
from dataclasses import dataclass

from saliency_worker.saliency import kinds
from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.operations import OperationGraph, Step, Value
from saliency_worker.saliency.scores import Scores

SMALL = 4


@dataclass(frozen=True)
class FeatureMap:
    """The value that is explained. name: as it can be given. shape: (h, w, K). tokens: whether places are the last tokens
    of a sequence (N, T, K), ``skipped`` others before them."""

    name: str
    value: Value
    shape: tuple[int, int, int]
    tokens: bool = False
    skipped: int = 0


@dataclass(frozen=True)
class Candidate:
    """A value that could be explained. shape: without the batch. alone: whether the output depends on it alone.
    what: ``map``, or why it is not chosen by itself: ``pooling``, ``moves``, ``1x1``, ``tokens``."""

    name: str
    kind: str
    shape: tuple[int | None, ...]
    alone: bool
    what: str


def candidates(found: Scores) -> list[Candidate]:
    """Every feature map and sequence of tokens in the order of the network."""
    graph, listed = found.graph, []
    reached = _convolved(graph)
    for step in graph.steps:
        if len(step.outputs) != 1 or (kinds.is_activation(step) and step.outputs[0] == graph.output):
            continue
        shape = graph.shapes[step.outputs[0]]
        if len(shape) not in (3, 4) or "float" not in graph.dtypes[step.outputs[0]]:
            continue
        alone = not graph.open_inputs([found.logits], step.outputs)
        listed.append(
            Candidate(
                step.name, kinds.kind(step), shape[1:], alone, _what(step, shape, step.outputs[0] in reached)
            )
        )
    return listed


def _what(step: Step, shape: tuple[int | None, ...], convolved: bool) -> str:
    if len(shape) == 3:
        return "tokens"
    if (shape[1], shape[2]) == (1, 1):
        return "1x1"
    if kinds.is_pooling(step):
        return "pooling"
    if kinds.moves_pixels(step) or kinds.passes(step):
        return "moves"
    return "map" if convolved else "unconvolved"


def _convolved(graph: OperationGraph) -> set[Value]:
    """The values that depend on a convolution."""
    reached: set[Value] = set()
    for step in graph.steps:
        if kinds.is_convolution(step.operation) or reached.intersection(step.inputs):
            reached.update(step.outputs)
    return reached


def default_layer(found: Scores) -> str:
    """Name of the last feature map that is neither padding, pooling nor 1x1 and that the whole output depends on.

    Raises ModelError where there is none.
    """
    maps = [each for each in candidates(found) if each.what == "map"]
    alone = [each for each in maps if each.alone]
    if alone:
        return alone[-1].name
    if not _convolved(found.graph):
        raise ModelError(
            f"{found.graph.name} has no convolution: CAMs need a feature map; choose another model, or name a layer "
            "and say its places, as in model.keras@blocks/3:tokens=8x8."
        )
    names = ", ".join(each.name for each in maps[-3:])
    raise ModelError(
        f"{found.graph.name} has no feature map on which its whole output depends"
        + (
            f": {names} lie side by side; join the branches, or explain them as models of their own."
            if names
            else "."
        )
    )


def feature_map(found: Scores, layer: str, tokens: tuple[int, int] | None = None) -> FeatureMap:
    """The value that a name means. Raises ModelError: unknown, ambiguous, no feature map, beside the way to the output."""
    graph = found.graph
    name, value = resolve(graph, layer)
    shape = graph.shapes[value]
    if len(shape) not in (3, 4):
        raise ModelError(f'Layer "{name}" gives {shape}, not a feature map: name a convolution.')
    if graph.open_inputs([found.logits], [value]):
        raise ModelError(f'The output does not depend on layer "{name}" alone: name a later layer.')
    if found.logits not in {v for step in graph.downstream(value) for v in step.outputs}:
        raise ModelError(f'The layer "{name}" does not lead to the scores: name an earlier layer.')
    if "float" not in graph.dtypes[value]:
        raise ModelError(f'Layer "{name}" gives whole numbers ({graph.dtypes[value]}): name a feature map.')
    if tokens is not None:
        return _of_tokens(name, value, shape, tokens)
    if len(shape) == 3:
        count = shape[1] or 0
        side = int(count**0.5) or 1
        raise ModelError(
            f'Layer "{name}" gives {count} tokens of {shape[2]} numbers, not a feature map: say how they lie, as in '
            f"@{name}:tokens={side}x{side}."
        )
    _refuse_channels_first(graph, value)
    height, width, channels = shape[1:]
    if height is None or width is None or channels is None:
        raise ModelError(f'Layer "{name}" gives a map of open size {shape}: name another layer.')
    return FeatureMap(name, value, (height, width, channels))


def _of_tokens(name: str, value: Value, shape: Sequence[int | None], tokens: tuple[int, int]) -> FeatureMap:
    places = tokens[0] * tokens[1]
    if len(shape) != 3 or shape[1] is None or shape[2] is None:
        raise ModelError(
            f'Layer "{name}" gives {tuple(shape)}, not tokens (count, numbers): leave tokens out.'
        )
    if shape[1] < places:
        raise ModelError(
            f'Layer "{name}" gives {shape[1]} tokens, fewer than tokens={tokens[0]}x{tokens[1]}: '
            "give their rows and columns."
        )
    if shape[1] - places > 16:
        raise ModelError(
            f'Layer "{name}" gives {shape[1]} tokens, {shape[1] - places} more than tokens={tokens[0]}x{tokens[1]}: '
            "give the rows and columns of all of them (up to 16 in front, such as a class token, may be left out)."
        )
    return FeatureMap(name, value, (*tokens, shape[2]), tokens=True, skipped=shape[1] - places)


def _refuse_channels_first(graph: OperationGraph, value: Value) -> None:
    for step in graph.steps:
        if (
            getattr(step.operation, "data_format", None) == "channels_first"
            and len(graph.shapes[step.outputs[0]]) == 4
        ):
            raise ModelError(
                f'"{step.name}" has its channels first: build the network with data_format channels_last.'
            )


def resolve(graph: OperationGraph, layer: str) -> tuple[str, Value]:
    """Full name and value of a layer. A part of the path is enough where it is unambiguous, ``out_relu`` for
    ``mobilenetv2_1.00_224/out_relu``; a nested model stands for its last value. Keras numbers unnamed layers through the
    whole process, so an unknown number stands for the last layer of the same stem. Raises ModelError."""
    values = {step.name: step.outputs[-1] for step in graph.steps} | dict(graph.containers)
    if layer in values:
        return layer, values[layer]
    found = [name for name in values if _ends_in(name, layer)]
    if not found and (stem := layer.rstrip("0123456789")).endswith("_"):
        alike = [step.name for step in graph.steps if step.name.startswith(stem)]
        found = alike[-1:]
    if len(found) == 1:
        return found[0], values[found[0]]
    if found:
        raise ModelError(f'"{layer}" may be {", ".join(found[:6])}: give one of these names.')
    maps = [step.name for step in graph.steps if len(graph.shapes[step.outputs[0]]) == 4]
    raise ModelError(f'No layer "{layer}": the last feature maps are {", ".join(maps[-3:]) or "none"}.')


def _ends_in(name: str, layer: str) -> bool:
    """Whether the parts of ``layer`` end the path ``name``; #1 may be left out, and the size in the name of a network.

    Several that fit are told to whoever asked.
    """
    parts, wanted = name.split("/"), layer.split("/")
    if len(wanted) > len(parts):
        return False
    return all(
        part in (each, f"{each}#1")
        or part.split("#")[0] == each
        or (place < len(wanted) - 1 and part.startswith(f"{each}_"))
        for place, (part, each) in enumerate(zip(parts[-len(wanted) :], wanted, strict=True))
    )


def refuse_moved(found: Scores, chosen: FeatureMap) -> None:
    """A network that cuts, turns or mirrors the picture itself has maps that would not lie on the picture.

    Raises ModelError.
    """
    graph, turning, mirroring = found.graph, [], []
    for step in graph.needed([chosen.value], [graph.input]):
        before, after = (graph.shapes[each] for each in (step.inputs[0], step.outputs[0]))
        if kinds.kind(step) in ("CenterCrop", "RandomCrop") and before[1:3] != after[1:3]:
            raise _moved(step, "cuts")
        if graph.open_inputs([chosen.value], step.outputs):
            continue  # one of several branches, which may be joined as they should
        turning += [step] if kinds.swaps_sides(step) else []
        mirroring += [step] if kinds.mirrors(step) else []
    for steps, done in ((turning, "turns"), (mirroring, "mirrors")):
        if len(steps) % 2:  # done twice it is undone
            raise _moved(steps[-1], done)


def _moved(step: Step, done: str) -> ModelError:
    return ModelError(
        f'"{step.name}" {done} the picture inside the network, so that a map would not lie on the picture: leave it out '
        "and prepare the pictures before."
    )


def notices(found: Scores, chosen: FeatureMap) -> list[str]:
    """What a researcher should know of the chosen map; a sentence each."""
    said, (height, width, _) = [], chosen.shape
    if min(height, width) < SMALL:
        said.append(
            f'The map of "{chosen.name}" is {height}x{width} places: too coarse to point at anything; name an earlier '
            "layer, or give larger pictures."
        )
    mixing = [step.name for step in found.graph.downstream(chosen.value) if kinds.mixes_places(step)]
    if mixing:
        said.append(
            f'Behind "{chosen.name}" attention mixes the places ({mixing[0]}): what a place gets there is not what is seen '
            "there; read its maps with care."
        )
    return said
