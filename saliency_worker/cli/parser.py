"""The arguments of every command, and the help that teaches them."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from saliency_worker import catalog
from saliency_worker.cli import options
from saliency_worker.cli.values import named, one_of

PROGRAM = "python -m saliency_worker"

DESCRIPTION = f"""Saliency maps of image classifiers: {", ".join(map(catalog.label, catalog.GRADIENT_BASES))},
many others, and Feature CAM on each."""
_BESIDE = [
    catalog.label(key)
    for key in catalog.EVERYTHING
    if key in catalog.BASES and key not in catalog.GRADIENT_BASES
]
EPILOG = f"""examples:
  {PROGRAM} explain photos/ --classifier MobileNetV2 --out maps
  {PROGRAM} explain 'photos/*.jpg' --classifier VGG16 --methods gradcam,gradcam.add-edges --sheet --out maps
  {PROGRAM} evaluate photos/ --classifier MobileNetV2,MobileNet --out tables
  {PROGRAM} verify maps
  {PROGRAM} methods

Weights are looked for in --weights FILE, then in the folder SALIENCY_WEIGHTS_DIR, then downloaded by Keras.
Exit status: 0 when all went well, 2 with one line on standard error that says what is wrong."""

EXPLAIN = """Write the saliency maps of images.

For each image: OUT/<classifier>/<stem>/<key>.npy (float32, H x W of the classifier's input, 0..1: the data)
and <key>.png (what people see); for all: OUT/<classifier>/manifest.json with prediction, machine metrics and
provenance of every map. A run that was stopped goes on where it was: run the same command again."""

EXPLAIN_EPILOG = f"""images:
  files, folders (searched in depth) and quoted globs; results are filed under the stem of the file name, so
  two images of one stem are refused.

classifier:
  a name of the catalogue (`{PROGRAM} classifiers` lists them), or a saved Keras model (.keras, .h5, .hdf5) as
  model.keras[@[layer][:option]...], for example net.keras@backbone/last_conv:unit or net.keras@:tf:fit=squash;
  `{PROGRAM} layers MODEL` lists the layers. Options:
  raw (0..255, the default), unit (0..1), tf (-1..1), torch, caffe   the preprocessing
  mean=0.5/0.5/0.5  std=0.2/0.2/0.2   per channel, (x - mean) / std behind the preprocessing (without one: unit)
  size=192x256    height x width, of a network that takes any
  fit=squash      the whole picture in other proportions (default: crop, its centre)
  tokens=8x8      rows and columns of the tokens of a transformer's layer
  output=NAME     of a network with several outputs

methods:
  all         the three gradient bases, each bare and as Ours 1-5: 18 maps
  everything  also {", ".join(_BESIDE)}, all nine combinations on each base, and the controls {", ".join(catalog.CONTROLS)}
  families    the methods of the paper's other families and since: {", ".join(catalog.FAMILY_SET)}
  KEY,...     for example gradcampp.add-blend21; `{PROGRAM} methods` lists them

examples:
  {PROGRAM} explain cat.jpg dog.png --classifier MobileNetV2 --out maps
  {PROGRAM} explain photos/ --classifier VGG16 --weights vgg16.weights.h5 --seed 7 --out maps
  {PROGRAM} explain photos/ --classifier demo-cnn --edges sobel --sheet --out maps"""

EVALUATE = """Measure how well the maps keep what the classifier needs (Tables 2 and 3 of the Feature CAM paper).

Each map keeps the pixels at or above a percentile of its values, the rest turns black, and the result is
classified again. Printed and written to OUT: right classification (Table 2), average confidence (Table 3),
increase in confidence, average drop, the share of pixels kept and the sparsity of the maps, as text, CSV and JSON;
by --measures and --regions also deletion and insertion, the sanity check and the pointing game."""

LAYERS = """List what can be explained: every feature map with its shape, inside nested models too.

The name in the first column goes behind @ in --classifier. By default the last map is explained that is neither
padding, pooling nor 1x1 and that the whole output depends on."""

VERIFY = """Check that maps are what their manifest says.

Compares the SHA-256 of every file; with --recompute every map is computed again from its image and compared:
identical bytes, or within 1e-5 (arrays) and one grey level (pictures), or a mismatch. Every mismatch is a line."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def __init__(self, **given: Any) -> None:
        # No abbreviations: a script must not change its meaning when an option is added.
        super().__init__(**given, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see --help)\n")


def build(run: dict[str, Callable[[argparse.Namespace], int]]) -> Parser:
    """The parser of `python -m saliency_worker`; `run` gives each command's function."""
    parser = Parser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=summary,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run[name])
        return made

    _explain(command("explain", "write the saliency maps of images", EXPLAIN, EXPLAIN_EPILOG))
    _evaluate(command("evaluate", "print and write Tables 2 and 3", EVALUATE))
    _verify(command("verify", "check maps against their manifest", VERIFY))
    for name, summary in (("methods", "list the method keys"), ("classifiers", "list the classifiers")):
        listing = command(name, summary, f"{summary.capitalize()}.")
        listing.add_argument("--json", action="store_true", help="as JSON")
    layers = command("layers", "list the feature maps of a classifier or saved model", LAYERS)
    layers.add_argument(
        "model", metavar="MODEL", help="a name of the catalogue or a saved model, as --classifier takes it"
    )
    layers.add_argument("--json", action="store_true", help="as JSON")
    command("worker", "run the Celery worker; further arguments go to Celery", "Run the Celery worker.")
    return parser


def _explain(explain: argparse.ArgumentParser) -> None:
    _images(explain)
    _classifier(explain, "a name of the catalogue (see `classifiers`) or a saved model")
    explain.add_argument(
        "--methods", default="all", metavar="all|everything|families|KEY,…", help="which maps (default: all)"
    )
    options.engine(explain)
    _colour_map(explain)
    explain.add_argument(
        "--raw",
        action="store_true",
        help="also <base>.raw.npy: the h x w base CAM before scaling and enlarging",
    )
    explain.add_argument(
        "--sheet",
        action="store_true",
        help="also sheet.png per image: original, edges, every base with Ours 1-5",
    )
    explain.add_argument(
        "--overlay",
        action="store_true",
        help="also <key>.overlay.png: the map laid over the image at the image's own size",
    )
    _output(explain)


def _evaluate(evaluate: argparse.ArgumentParser) -> None:
    _images(evaluate)
    _classifier(evaluate, "one or more names of the catalogue, separated by commas")
    which = evaluate.add_mutually_exclusive_group()
    which.add_argument(
        "--all-combinations", action="store_true", help="all nine combinations instead of Ours 1-5"
    )
    which.add_argument(
        "--methods",
        default="all",
        metavar="all|everything|families|KEY,…",
        help="which maps (default: all, those of Tables 2 and 3)",
    )
    evaluate.add_argument(
        "--format",
        choices=("text", "csv", "json"),
        default="text",
        help="what is printed; OUT has all of them",
    )
    options.engine(evaluate)
    _output(evaluate)


def _verify(verify: argparse.ArgumentParser) -> None:
    verify.add_argument(
        "folder", metavar="DIR", help="an --out folder of explain, or one classifier's folder in it"
    )
    verify.add_argument("--recompute", action="store_true", help="compute every map again and compare")
    verify.add_argument(
        "--images",
        nargs="+",
        default=[],
        metavar="IMAGE",
        help="where the images are now (default: where they were)",
    )
    verify.add_argument("--weights", metavar="FILE", help="weights file of the classifier")
    _class_names(verify)
    options.edge_weights(verify)
    _quiet(verify)


def _images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="files, folders and globs")


def _classifier(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--classifier", required=True, metavar="NAME", help=text)
    parser.add_argument("--weights", metavar="FILE", help="weights file (default: looked for by name)")
    _class_names(parser)


def _class_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--class-names",
        metavar="FILE",
        help="names of the classes: a JSON list, name to index or index to name, or one name a line (default: the "
        "file beside the model with its name and .json)",
    )


def _colour_map(parser: argparse.ArgumentParser) -> None:
    names = "|".join(catalog.COLOUR_MAPS)
    parser.add_argument(
        "--colour-map",
        type=one_of("colour map", catalog.COLOUR_MAPS),
        default="jet",
        metavar=names,
        help="colours of the pictures (default: jet)",
    )


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=named, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--overwrite", action="store_true", help="start afresh where DIR holds results of other settings"
    )
    _quiet(parser)


def _quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="neither progress bar nor summary")
