"""The options of methods and measures, which every command that computes maps has."""

import argparse

from saliency_worker import catalog
from saliency_worker.cli.values import one_of, some_of, whole, within
from saliency_worker.declarations import SIGNED
from saliency_worker.measures import ASKED

KEEP = ("percentile", "rank")


def engine(parser: argparse.ArgumentParser) -> None:
    """The group of options that say how maps are computed, measured and shown."""
    group = parser.add_argument_group("parameters")
    group.add_argument(
        "--edges",
        type=one_of("edge model", catalog.EDGE_MODELS),
        default="hed",
        metavar="|".join(catalog.EDGE_MODELS),
        help="edge detector: hed is the bundled compact network, hed-authors that of its authors (default: hed)",
    )
    edge_weights(group)
    group.add_argument("--seed", type=whole(0), help="seed of the noise (default: derived from each image)")
    _of_methods(group)
    group.add_argument(
        "--k", type=within(0, 0.5), default=0.25, help="weight of the features in addition (default: 0.25)"
    )
    group.add_argument(
        "--percentile",
        type=within(0, 100),
        default=20.0,
        help="below it pixels turn black in explanation maps (default: 20)",
    )
    group.add_argument(
        "--keep",
        type=one_of("rule", KEEP),
        default="percentile",
        metavar="|".join(KEEP),
        help="rank keeps exactly the share of pixels even where many are equal (default: percentile)",
    )
    group.add_argument(
        "--signed",
        type=one_of("rule for signed maps", SIGNED),
        metavar="|".join(SIGNED),
        help="what becomes of maps that have a sign (default: what each method declares, docs/methods.md)",
    )
    _targets(group)
    _measures(group)
    group.add_argument("--batch", type=whole(1), help="images per device batch (default: chosen by memory)")
    parser.set_defaults(colour_map="jet")


def edge_weights(parser: argparse._ActionsContainer) -> None:
    """--edge-weights, which checking again needs too."""
    parser.add_argument(
        "--edge-weights",
        metavar="FILE",
        help="hed_pretrained_bsds.caffemodel of HED's authors (selects hed-authors; default: looked for in "
        "SALIENCY_WEIGHTS_DIR, then downloaded), or other weights of the compact network (.weights.h5)",
    )


def _of_methods(group: argparse._ActionsContainer) -> None:
    """The parameters that the methods of the catalogue declare."""
    for name, parameter in catalog.parameters(catalog.ALL_KEYS).items():
        kind = whole(int(parameter.low), int(parameter.high)) if parameter.whole else None
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind or within(parameter.low, parameter.high),
            default=parameter.default,
            help=f"{parameter.meaning} (default: {parameter.default:g})",
        )


def _targets(group: argparse._ActionsContainer) -> None:
    """The class to explain."""
    target = group.add_mutually_exclusive_group()
    target.add_argument(
        "--target-class",
        type=whole(0),
        metavar="INDEX",
        help="class to explain in all images (default: of each its top-1)",
    )
    target.add_argument(
        "--targets",
        metavar="FILE|folders",
        help="class to explain per image: a CSV with the columns file,class (a name or an index), or `folders` where "
        "the name of an image's folder is its class",
    )


def _measures(group: argparse._ActionsContainer) -> None:
    """What is measured beside explanation maps, and how finely."""
    group.add_argument(
        "--measures",
        type=some_of("measure", ASKED),
        default=[],
        metavar=",".join(ASKED),
        help="measure further, at the cost of further passes: "
        + "; ".join(f"{name}: {what}" for name, what in ASKED.items()),
    )
    group.add_argument(
        "--steps",
        type=whole(1, 1000),
        default=32,
        help="steps of the curves of deletion and insertion (default: 32)",
    )
    group.add_argument(
        "--sanity-networks",
        type=whole(1, 1000),
        default=16,
        help="networks that forget more and more, of the sanity check, at most (default: 16)",
    )
    group.add_argument(
        "--regions",
        metavar="FILE|DIR",
        help="where the object of an image is, for the pointing game: a CSV with the columns file,left,top,right,bottom in "
        "pixels (right and bottom outside of the box), or a folder of masks, <stem>.png",
    )
