"""The ladder of synthetic observers as plain data: what each compares, and by whose example. The standard library alone.

None of them knows the classifier that is explained, or what it is for: where one finds a map's source, a person may have
found it by the same means.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObserverKind:
    """One observer. key: in columns of exports, `observer_<key>`. compares: of the map with each candidate. source: of
    the idea. trained: fits weights, on other images than those that it is tried on."""

    key: str
    title: str
    compares: str
    source: str
    trained: bool = False


EDGE, TEXTURE, GREY, OTHER_CAM, TRAINED = "edge", "texture", "grey", "other_cam", "trained"

KINDS: tuple[ObserverKind, ...] = (
    ObserverKind(
        EDGE,
        "Edge",
        "the high-passed map with the Sobel edges of a candidate",
        "Sobel and Feldman 1968",
    ),
    ObserverKind(
        TEXTURE,
        "Texture and place",
        "where map and candidate have contrast: standard deviations in the cells of a grid",
        "Peli 1990",
    ),
    ObserverKind(
        GREY,
        "Blurred grey",
        "the brightness of map and candidate, both blurred to a few cells",
        "Torralba 2009",
    ),
    ObserverKind(
        OTHER_CAM,
        "Another network's CAM",
        "the map's heat with the class activation map of a candidate by a classifier other than the explained one",
        "Adebayo et al. 2018",
    ),
    ObserverKind(
        TRAINED,
        "Trained matcher",
        "correlations of several views at several scales, weighted by a conditional logit that was fitted on other images",
        "McFadden 1974",
        trained=True,
    ),
)
BY_KEY = {kind.key: kind for kind in KINDS}


def name(key: str) -> str:
    """What an observer is called in tables; the key of one that this version does not know."""
    return BY_KEY[key].title if key in BY_KEY else key
