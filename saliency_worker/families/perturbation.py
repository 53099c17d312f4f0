"""Perturbation: what the class loses where the picture is changed."""

from saliency_worker.declarations import FORMULAS, MethodSpec, Need, Parameter

_SIZE = "side of a square as a share of the picture's shorter side"
_STRIDE = "distance from one square to the next as a share of the picture's shorter side"

PERTURBATION = (
    MethodSpec(
        "occlusion",
        "Occlusion",
        "Zeiler and Fergus 2014, section 4.1",
        (Need.PROBE,),
        f"{FORMULAS}.occlusion:occlusion",
        parameters=(
            Parameter("size", 0.143, 0.001, 1, _SIZE),
            Parameter("stride", 0.0357, 0.001, 1, _STRIDE),
        ),
        family="perturbation",
        signed="positive",
    ),
    MethodSpec(
        "discrepancy",
        "Discrepancy map",
        "Zhou et al. 2014, section 3.2",
        (Need.PROBE, Need.SEED),
        f"{FORMULAS}.discrepancy:discrepancy",
        parameters=(
            Parameter("size", 0.049, 0.001, 1, _SIZE),
            Parameter("stride", 0.0134, 0.001, 1, _STRIDE),
        ),
        family="perturbation",
    ),
    MethodSpec(
        "lime",
        "LIME",
        "Ribeiro et al. 2016, eq. 2",
        (Need.PROBE, Need.SUPERPIXELS, Need.SEED),
        f"{FORMULAS}.lime:lime",
        parameters=(
            Parameter("samples", 1000, 2, 1_000_000, "choices of superpixels"),
            Parameter("segments", 50, 2, 10_000, "superpixels, about as many"),
        ),
        family="perturbation",
        signed="positive",
    ),
    MethodSpec(
        "multiscale",
        "Regional multi-scale",
        "Seo, Oh and Oh 2020",
        (Need.PROBE, Need.SUPERPIXELS, Need.SEED),
        f"{FORMULAS}.multiscale:multiscale",
        parameters=(
            Parameter("finest", 200, 2, 10_000, "superpixels of the finest scale, about as many"),
            Parameter("scales", 4, 1, 12, "scales, each with half the superpixels of the one before"),
            Parameter("fillings", 4, 1, 1000, "fillings of noise for each superpixel"),
        ),
        family="perturbation",
        signed="positive",
    ),
    MethodSpec(
        "rise",
        "RISE",
        "Petsiuk et al. 2018, eq. 6",
        (Need.PROBE, Need.SEED),
        f"{FORMULAS}.rise:rise",
        parameters=(
            Parameter("masks", 4000, 1, 1_000_000, "random masks"),
            Parameter("cells", 7, 1, 100, "rows and columns of the grid of a mask"),
            Parameter("kept", 0.5, 0.001, 0.999, "chance of a cell to be shown"),
        ),
        family="perturbation",
    ),
)
