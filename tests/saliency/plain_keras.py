"""Layer and logits of a flat model by Keras alone, the plain way that the engine's reading of graphs is compared with."""

import keras

from saliency_worker.saliency.errors import ModelError


def feature_layer(model: keras.Model, name: str) -> keras.Layer:
    """The layer of that name in a flat model.

    Keras numbers unnamed layers through the whole process (``activation_187`` of NASNet), so an unknown number
    stands for the last layer with the same stem. Raises ModelError with the names of the last feature maps.
    """
    stem = name.rstrip("0123456789")
    exact = [layer for layer in model.layers if layer.name == name]
    alike = [layer for layer in model.layers if stem.endswith("_") and layer.name.startswith(stem)]
    if exact or alike:
        return exact[0] if exact else alike[-1]
    maps = [layer.name for layer in model.layers if len(getattr(layer.output, "shape", ())) == 4]
    raise ModelError(f'No layer "{name}": the last feature maps are {", ".join(maps[-3:]) or "none"}.')


def logits_of(model: keras.Model) -> keras.KerasTensor:
    """The scores before the softmax as a symbolic tensor of a flat model."""
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2 or (model.outputs[0].shape[1] or 0) < 2:
        raise ModelError(
            f"{model.name} does not end in one vector of class scores: give an image classifier."
        )
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or _is_squashing_activation(last):
        return last.input
    if not isinstance(last, keras.layers.Dense):
        raise ModelError(f'The last layer "{last.name}" is no dense layer and no softmax: logits are needed.')
    if last.activation is keras.activations.linear:
        return model.outputs[0]
    if last.activation not in (keras.activations.softmax, keras.activations.sigmoid):
        raise ModelError(
            f'The last layer "{last.name}" has an activation other than softmax: logits are needed.'
        )
    plain = keras.layers.Dense(last.units, use_bias=last.use_bias, name=f"{last.name}_logits")
    scores = plain(last.input)
    plain.set_weights(last.get_weights())
    return scores


def _is_squashing_activation(layer: keras.Layer) -> bool:
    squashing = (keras.activations.softmax, keras.activations.sigmoid)
    return isinstance(layer, keras.layers.Activation) and layer.activation in squashing
