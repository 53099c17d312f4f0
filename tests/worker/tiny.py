"""A tiny classifier for worker tests: three convolutions, five classes, saved as Keras saves models."""

from pathlib import Path


def tiny_classifier(folder: Path, seed: int = 0) -> str:
    """Saves the model and returns the name under which the engine loads it: `path@layer`."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    path = folder / "tiny.keras"
    model.save(path)
    return f"{path}@last"
