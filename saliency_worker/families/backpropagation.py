"""Backpropagation: what reaches the pixels when a class is sent back through the network."""

from saliency_worker.declarations import FORMULAS, MethodSpec, Parameter
from saliency_worker.needs import Need

_PLACES = Parameter(
    "places", 14, 1, 1000, "rows that the map has at least; it is read at the last layer with as many"
)
_WITHOUT_RECTIFIERS = ("EfficientNetB0",)

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
        "deconvnet",
        "Deconvolution",
        "Zeiler and Fergus 2014, section 2.1",
        (Need.WALK,),
        f"{FORMULAS}.deconvnet:deconvnet",
        family="backpropagation",
        not_for=_WITHOUT_RECTIFIERS,
    ),
    MethodSpec(
        "guidedbp",
        "Guided backpropagation",
        "Springenberg et al. 2014, section 3.4",
        (Need.WALK,),
        f"{FORMULAS}.guidedbp:guidedbp",
        family="backpropagation",
        not_for=_WITHOUT_RECTIFIERS,
    ),
    MethodSpec(
        "guidedgradcam",
        "Guided Grad-CAM",
        "Selvaraju et al. 2017, section 3.1",
        (Need.WALK, Need.ACTIVATIONS, Need.COMPACT_GRADIENTS),
        f"{FORMULAS}.guidedgradcam:guidedgradcam",
        family="backpropagation",
        not_for=_WITHOUT_RECTIFIERS,
    ),
    MethodSpec(
        "ig",
        "Integrated gradients",
        "Sundararajan et al. 2017, eq. 1, 3",
        (Need.ROW, Need.BLACK, Need.DIFFERENCE, Need.INPUT_GRADIENTS_AT),
        f"{FORMULAS}.ig:ig",
        parameters=(
            Parameter("steps", 50, 1, 10_000, "steps from a black picture to the image"),
            Parameter(
                "gap",
                0.01,
                0,
                1,
                "by which the sum may miss the score's rise, or there are 3, 9, 27 times as many",
            ),
        ),
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
    MethodSpec(
        "lrp",
        "LRP",
        "Bach et al. 2015, eq. 58, 60; Montavon et al. 2019, section 10.3",
        (Need.WALK,),
        f"{FORMULAS}.lrp:lrp",
        parameters=(
            Parameter("epsilon", 1e-6, 0, 1, "what the rule of dense layers adds to each sum"),
            Parameter("composite", 1, 0, 1, "1: α1β0 in convolutions, ε in dense layers; 0: ε everywhere"),
        ),
        family="backpropagation",
        signed="diverging",
    ),
    MethodSpec(
        "deeplift",
        "DeepLIFT",
        "Shrikumar et al. 2017, section 3.5.1 (rescale rule)",
        (Need.WALK,),
        f"{FORMULAS}.deeplift:deeplift",
        family="backpropagation",
        signed="diverging",
    ),
    MethodSpec(
        "excitationbp",
        "Excitation backpropagation",
        "Zhang et al. 2016, eq. 4",
        (Need.WALK,),
        f"{FORMULAS}.excitationbp:excitationbp",
        parameters=(_PLACES,),
        family="backpropagation",
    ),
    MethodSpec(
        "cexcitationbp",
        "Contrastive excitation backpropagation",
        "Zhang et al. 2016, section 3.3",
        (Need.WALK,),
        f"{FORMULAS}.cexcitationbp:cexcitationbp",
        parameters=(_PLACES,),
        family="backpropagation",
        signed="positive",
    ),
)
