import pytest

from saliency_worker.catalog import UnknownName
from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("samples", 0),
        ("samples", 1001),
        ("noise", -0.1),
        ("noise", float("nan")),
        ("k", 0.6),
        ("k", -0.1),
        ("percentile", 101),
        ("seed", -1),
        ("target_class", -1),
        ("batch", 0),
    ],
)
def test_it_rejects_a_value_out_of_range(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"{name} is"):
        Settings(("gradcam",), **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "nearest"),
    [("edges", "hedd", "hed"), ("colour_map", "Jett", "jet"), ("keep", "ranks", "rank")],
)
def test_it_rejects_an_unknown_name_and_suggests_the_nearest(name: str, value: str, nearest: str) -> None:
    with pytest.raises(UnknownName, match=f'did you mean "{nearest}"'):
        Settings(("gradcam",), **{name: value})


def test_it_rejects_unknown_missing_and_repeated_methods() -> None:
    with pytest.raises(UnknownName, match="gradcampp"):
        Settings(("gradcamp",))
    for methods in ((), ("gradcam", "gradcam")):
        with pytest.raises(SettingsError, match="once"):
            Settings(methods)


def test_it_rejects_a_parameter_of_no_method() -> None:
    with pytest.raises(SettingsError, match="toy_power is no parameter of gradcam"):
        Settings(("gradcam",), parameters={"toy_power": 1})


def test_zero_is_a_value_and_no_default() -> None:
    settings = Settings(("gradcam",), noise=0, k=0, percentile=0, seed=0, target_class=0)
    assert settings.target_class == 0
