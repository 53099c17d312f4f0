"""Declarations of this program's own methods, a module for each family. Standard library only."""

from saliency_worker.families.activation import ACTIVATION
from saliency_worker.families.backpropagation import BACKPROPAGATION
from saliency_worker.families.cams import CAMS
from saliency_worker.families.controls import CONTROLS
from saliency_worker.families.perturbation import PERTURBATION

OWN_METHODS = (*CAMS, *BACKPROPAGATION, *PERTURBATION, *ACTIVATION, *CONTROLS)
