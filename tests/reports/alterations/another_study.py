"""A second study: what rows of the first may wrongly name, and files of the kinds that the first does not have."""

import io

import numpy as np

from survey_site.design import canonical
from survey_site.protocols.models import Protocol
from survey_site.stimuli import storage
from survey_site.stimuli.models import OwnModel, SaliencyMap, Stimulus
from survey_site.studies import audit
from survey_site.studies.models import Study
from tests import factories


def make(sealed: Protocol) -> Study:
    """A draft with a protocol of no images, an image with a region, two arrays, and two models."""
    study = Study.objects.create(slug="another", title="Another")
    document = sealed.document | {"stimuli": [], "maps": [], "conditions": [], "items": {}, "reserve": []}
    Protocol.objects.create(study=study, version=2, document=document, hash=canonical.sha256(document))
    audit.record_command(study, "state: live")
    picture, region = (factories.png(seed) for seed in (71, 72))
    path, sha256 = storage.put("stimuli", picture, ".png")
    region_path, region_sha256 = storage.put("stimuli", region, ".png")
    image = Stimulus.objects.create(
        study=study, key="x", sha256=sha256, upload_sha256=sha256, path=path, width=8, height=8,
        region_path=region_path, region_sha256=region_sha256,
    )  # fmt: skip
    for number in (1, 2):
        values = np.full((4, 4), number, "<f4")
        out = io.BytesIO()
        np.save(out, values)
        array_path, _ = storage.put("maps", out.getvalue(), ".npy")
        SaliencyMap.objects.create(
            stimulus=image, classifier="c", method="gradcam", parameters_hash=f"{number}", provenance={},
            array_path=array_path, array_sha256=storage.sha256(values.tobytes()), rank=number,
        )  # fmt: skip
        path, sha256 = storage.put("models", f"the weights of model {number}".encode(), ".keras")
        OwnModel.objects.create(study=study, name=f"own-{number}", source="upload", path=path, sha256=sha256)
    return study
