"""Activation methods since Grad-CAM++."""

from saliency_worker.declarations import FORMULAS, MethodSpec, Need

ACTIVATION = (
    MethodSpec(
        "layercam",
        "LayerCAM",
        "Jiang et al. 2021",
        (Need.ACTIVATIONS, Need.COMPACT_GRADIENTS),
        f"{FORMULAS}.layercam:layercam",
        family="activation",
    ),
    MethodSpec(
        "hirescam",
        "HiResCAM",
        "Draelos and Carin 2020",
        (Need.ACTIVATIONS, Need.COMPACT_GRADIENTS),
        f"{FORMULAS}.hirescam:hirescam",
        family="activation",
        signed="positive",
    ),
    MethodSpec(
        "xgradcam",
        "XGrad-CAM",
        "Fu et al. 2020",
        (Need.ACTIVATIONS, Need.COMPACT_GRADIENTS),
        f"{FORMULAS}.xgradcam:xgradcam",
        family="activation",
    ),
    MethodSpec(
        "eigencam",
        "Eigen-CAM",
        "Muhammad and Yeasin 2020",
        (Need.ACTIVATIONS,),
        f"{FORMULAS}.eigencam:eigencam",
        family="activation",
    ),
    MethodSpec(
        "scorecam",
        "Score-CAM",
        "Wang et al. 2020, algorithm 1",
        (Need.PROBE, Need.ACTIVATIONS),
        f"{FORMULAS}.scorecam:scorecam",
        family="activation",
    ),
    MethodSpec(
        "ablationcam",
        "Ablation-CAM",
        "Desai and Ramaswamy 2020",
        (Need.ACTIVATIONS, Need.HEAD_SCORES_AT),
        f"{FORMULAS}.ablationcam:ablationcam",
        family="activation",
    ),
)
