"""Class activation maps: the bases of the paper."""

from saliency_worker.declarations import FORMULAS, MethodSpec, Need

CAMS = (
    MethodSpec(
        "gradcam",
        "Grad-CAM",
        "Selvaraju et al. 2017, eq. 1, 2; Feature CAM eq. 2, 3",
        (Need.ACTIVATIONS, Need.COMPACT_GRADIENTS),
        f"{FORMULAS}.gradcam:gradcam",
        in_full_set=True,
    ),
    MethodSpec(
        "gradcampp",
        "Grad-CAM++",
        "Chattopadhay et al. 2018; Feature CAM eq. 4, 5",
        (Need.ACTIVATIONS, Need.COMPACT_GRADIENTS),
        f"{FORMULAS}.gradcampp:gradcampp",
        in_full_set=True,
    ),
    MethodSpec(
        "smoothgradcampp",
        "Smooth Grad-CAM++",
        "Omeiza et al. 2019; Feature CAM eq. 6",
        (Need.NOISY_MAPS,),
        f"{FORMULAS}.smoothgradcampp:smoothgradcampp",
        of="gradcampp",
        in_full_set=True,
    ),
    MethodSpec(
        "cam",
        "CAM",
        "Zhou et al. 2016, eq. 2; Feature CAM eq. 1",
        (Need.ACTIVATIONS, Need.CLASS_WEIGHTS),
        f"{FORMULAS}.cam:cam",
    ),
)
