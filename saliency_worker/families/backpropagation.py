"""Backpropagation: what reaches the pixels when a class is sent back through the network."""

from saliency_worker.declarations import FORMULAS, MethodSpec, Parameter
from saliency_worker.needs import Need

BACKPROPAGATION = (
    MethodSpec(
        "gradient",
        "Gradient",
        "Simonyan et al. 2013, section 3.1",
        (Need.INPUT_GRADIENTS,),
        f"{FORMULAS}.gradient:gradient",
        family="backpropagation",
    ),
    MethodSpec(
        "ig",
        "Integrated gradients",
        "Sundararajan et al. 2017, eq. 1, 3",
        (Need.ROW, Need.BLACK, Need.INPUT_GRADIENTS_AT),
        f"{FORMULAS}.ig:ig",
        parameters=(Parameter("steps", 50, 1, 10_000, "steps from a black picture to the image"),),
        family="backpropagation",
        signed="absolute",
    ),
    MethodSpec(
        "smoothgrad",
        "SmoothGrad",
        "Smilkov et al. 2017, section 3",
        (Need.NOISY_ROWS, Need.INPUT_GRADIENTS_AT),
        f"{FORMULAS}.smoothgrad:smoothgrad",
        family="backpropagation",
    ),
)
