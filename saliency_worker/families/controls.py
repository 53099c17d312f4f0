"""Controls: columns that explain nothing, beside which an explanation must stand."""

from saliency_worker.declarations import FORMULAS, MethodSpec, Need

CONTROLS = (
    MethodSpec(
        "edges",
        "Edges only",
        "a control of this platform",
        (Need.EDGES,),
        f"{FORMULAS}.edges:edges",
        control=True,
    ),
    MethodSpec(
        "original",
        "Original",
        "a control of this platform",
        (Need.IMAGE,),
        f"{FORMULAS}.original:original",
        control=True,
    ),
    MethodSpec(
        "randomcam",
        "CAM of random weights",
        "Adebayo et al. 2018; Feature CAM eq. 2, 3",
        (Need.ACTIVATIONS, Need.COMPACT_GRADIENTS),
        f"{FORMULAS}.randomcam:randomcam",
        random_weights=True,
        control=True,
    ),
)
