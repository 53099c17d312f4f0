"""Two methods from outside of the program, for SALIENCY_METHODS=tests.toy_methods.declarations."""

from saliency_worker.declarations import MethodSpec, Need, Parameter

DECLARATIONS = (
    MethodSpec(
        key="toy",
        title="Toy CAM",
        citation="after Draelos and Carin 2020 (HiResCAM)",
        needs=(Need.ACTIVATIONS, Need.GRADIENTS),
        formula="tests.toy_methods.toy:toy",
        parameters=(Parameter("power", 1.0, 0.5, 4, "exponent of the map"),),
    ),
    MethodSpec(
        key="toyspread",
        title="Spread of Toy CAM",
        citation="after Adebayo et al. 2018 (VarGrad)",
        needs=(Need.NOISY_MAPS,),
        of="toy",
        formula="tests.toy_methods.toy:toyspread",
        control=True,
    ),
)
