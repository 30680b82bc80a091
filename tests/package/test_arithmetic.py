"""The arithmetic against the known table of the network, and random stacks against Keras."""

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest

from convbook.arithmetic import Layer, Stage, from_keras, output_size, pad_width, trace
from convbook.network import scheduled_cnn


def block(kernels: int, kernel: int = 3) -> Layer:
    return Layer(kernel, kernels, batch_norm=True)


def scheduled_stack(second_block: int = 16) -> list[Layer]:
    """The network of the notes, written down by hand."""
    middle = [Layer(1, 10), Layer(2, stride=2, name="max-pool 2")]
    return [block(16), block(second_block), *middle, *[block(16)] * 4, block(10, kernel=4)]


# name, kernel, size, channels, parameters of the convolution, of the batch norm, MACs, receptive field, jump
TABLE = [
    ("conv 3x3, 16", 3, 26, 16, 160, 64, 97_344, 3, 1),
    ("conv 3x3, 16", 3, 24, 16, 2_320, 64, 1_327_104, 5, 1),
    ("conv 1x1, 10", 1, 24, 10, 170, 0, 92_160, 5, 1),
    ("max-pool 2", 2, 12, 10, 0, 0, 0, 6, 2),
    ("conv 3x3, 16", 3, 10, 16, 1_456, 64, 144_000, 10, 2),
    ("conv 3x3, 16", 3, 8, 16, 2_320, 64, 147_456, 14, 2),
    ("conv 3x3, 16", 3, 6, 16, 2_320, 64, 82_944, 18, 2),
    ("conv 3x3, 16", 3, 4, 16, 2_320, 64, 36_864, 22, 2),
    ("conv 4x4, 10", 4, 1, 10, 2_570, 40, 2_560, 28, 2),
]


def total(stages: list[Stage], column: str) -> int:
    return sum(getattr(stage, column) for stage in stages)


def test_every_row_and_column_of_the_table():
    expected = [
        Stage(name, kernel, size, channels, conv + norm, conv + norm // 2, macs, field, jump, start=0, image_size=28)
        for name, kernel, size, channels, conv, norm, macs, field, jump in TABLE
    ]
    assert trace(scheduled_stack()) == expected


def test_totals_of_the_network():
    stages = trace(scheduled_stack())
    assert (total(stages, "parameters"), total(stages, "trainable")) == (14_060, 13_848)
    assert total(stages, "macs") == 1_930_432
    assert round(100 * stages[1].macs / total(stages, "macs"), 1) == 68.7


def test_the_class_network_and_what_the_notes_changed():
    class_network, notes = trace(scheduled_stack(second_block=32)), trace(scheduled_stack())
    assert total(class_network, "parameters") == 16_604
    assert total(class_network, "parameters") - total(notes, "parameters") == 2_544
    without_biases = trace(dataclasses.replace(layer, bias=False) for layer in scheduled_stack())
    assert total(notes, "parameters") - total(without_biases, "parameters") == 116


@pytest.mark.parametrize(
    ("second_block", "with_1x1", "without"), [(16, 92_160 + 144_000, 230_400), (32, 328_320, 460_800)]
)
def test_the_1x1_saves_multiplications_in_the_class_network_only(second_block, with_1x1, without):
    bottleneck = trace(scheduled_stack(second_block))
    direct = trace([layer for layer in scheduled_stack(second_block) if layer.kernel != 1])
    assert bottleneck[2].macs + bottleneck[4].macs == with_1x1
    assert direct[3].macs == without


@pytest.mark.parametrize(
    ("size", "arguments", "expected"),
    [
        (28, {"kernel": 3}, 26),
        (7, {"kernel": 3, "stride": 2}, 3),
        (121, {"kernel": 4, "stride": 3}, 40),
        (63, {"kernel": 7, "stride": 2}, 29),
        (28, {"kernel": 3, "stride": 2}, 13),
        (28, {"kernel": 3, "dilation": 2}, 24),
        # The figures of Dumoulin & Visin (2016), sections 2.2 to 2.4
        (5, {"kernel": 4, "padding": 2}, 6),
        (5, {"kernel": 3, "padding": 2}, 7),
        (5, {"kernel": 3, "stride": 2, "padding": 1}, 3),
        (6, {"kernel": 3, "stride": 2, "padding": 1}, 3),
        (28, {"kernel": 3, "padding": "same"}, 28),
        (28, {"kernel": 2, "stride": 3, "padding": "same"}, 10),
    ],
)
def test_known_output_sizes(size, arguments, expected):
    assert output_size(size, **arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4, 5), "spans 5 pixels, but the padded image has only 4"),
        ((4, 3, 1, 0, 2), "kernel 3 with dilation 2 spans 5 pixels"),
        ((4, 3, 0), "stride must be a whole number from 1 up, got 0"),
        ((0, 3), "size must be a whole number from 1 up, got 0"),
        ((4, 0), "kernel must be a whole number from 1 up, got 0"),
        ((4, 3, 1, 0, 0), "dilation must be a whole number from 1 up, got 0"),
        ((4, 3, 1, -1), "whole number from 0 up, got -1"),
        ((4, 3, 1, "full"), "whole number from 0 up, got 'full'"),
    ],
)
def test_impossible_sizes_say_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        output_size(*arguments)


def test_errors_name_the_layer_and_the_unit():
    with pytest.raises(ValueError, match=r"layer 9 \(conv 4x4, 10\): kernel 4 .* has only 3"):
        trace(scheduled_stack(), size=26)
    with pytest.raises(ValueError, match=r"channels must be None \(for a pooling layer\) or a whole number from 1 up"):
        Layer(3, 0)
    with pytest.raises(IndexError, match=r"max-pool 2 has units 0 to 11 along each axis, got 12"):
        trace(scheduled_stack())[3].sees(12)


class Three:
    """An integer of a type that nobody knows."""

    def __index__(self) -> int:
        return 3


THREES = [3, np.int8(3), np.uint8(3), np.int64(3), np.array(3), Three()]
NO_NUMBERS = [
    True,
    np.True_,
    2.5,
    3.0,
    np.float32(3),
    float("nan"),
    float("inf"),
    3 + 0j,
    "3",
    None,
    [3],
    np.array([3]),
]


@pytest.mark.parametrize("three", THREES, ids=lambda value: type(value).__name__)
def test_integers_of_every_type_are_taken_and_none_overflows(three):
    size = np.uint8(250)
    assert pad_width(size, three, three, three, three) == (3, 3)
    assert output_size(size, three, three, three, three) == output_size(250, 3, 3, 3, 3)
    layers = [Layer(three, np.int8(100), three, three, three), Layer(three, np.int8(100))]
    assert layers == [Layer(3, 100, 3, 3, 3), Layer(3, 100)]
    assert [layer.label for layer in layers] == ["conv 3x3, 100, stride 3, dilation 3, padding 3", "conv 3x3, 100"]
    stages = trace(layers, size, three)
    assert stages == trace(layers, 250, 3)
    assert stages[1].macs == 900 * 100 * stages[1].size ** 2
    assert stages[0].sees(three) == stages[0].sees(3)


CALLS = {  # by the argument that gets no number
    "size": [
        lambda value: pad_width(value, 3),
        lambda value: output_size(value, 3),
        lambda value: trace([Layer(3)], size=value),
        lambda value: trace([], size=value),
    ],
    "kernel": [lambda value: pad_width(28, value), lambda value: output_size(28, value), Layer],
    "stride": [
        lambda value: pad_width(28, 3, value),
        lambda value: output_size(28, 3, value),
        lambda value: Layer(3, stride=value),
    ],
    "padding": [
        lambda value: pad_width(28, 3, padding=value),
        lambda value: output_size(28, 3, padding=value),
        lambda value: Layer(3, padding=value),
    ],
    "dilation": [
        lambda value: pad_width(28, 3, dilation=value),
        lambda value: output_size(28, 3, dilation=value),
        lambda value: Layer(3, dilation=value),
    ],
    "channels": [lambda value: trace([Layer(3)], channels=value)],
}


@pytest.mark.parametrize("value", [*NO_NUMBERS, -1], ids=repr)
@pytest.mark.parametrize(("name", "calls"), CALLS.items(), ids=CALLS)
def test_what_is_no_number_is_refused_in_one_sentence(name, calls, value):
    for call in calls:
        with pytest.raises(ValueError, match=f"^{name} must be .*a whole number from [01] up, got ") as caught:
            call(value)
        assert str(caught.value).endswith(f"got {value!r}")


@pytest.mark.parametrize("value", [value for value in NO_NUMBERS if value is not None], ids=repr)
def test_no_number_of_channels_makes_a_pooling_layer_but_none(value):
    with pytest.raises(ValueError, match=r"^channels must be None"):
        Layer(3, value)
    assert Layer(3, None).label == "pool 3, stride 1"


@pytest.mark.parametrize("index", [*NO_NUMBERS, -1], ids=repr)
def test_units_that_do_not_exist_are_an_index_error(index):
    with pytest.raises(IndexError, match="has units 0 to 11 along each axis, got "):
        trace(scheduled_stack())[3].sees(index)


@pytest.mark.parametrize(
    ("layer", "label"),
    [
        (Layer(3, 16), "conv 3x3, 16"),
        (Layer(5, 8, stride=2, padding="same", dilation=3), "conv 5x5, 8, stride 2, dilation 3, padding same"),
        (Layer(3, 8, padding=1), "conv 3x3, 8, padding 1"),
        (Layer(2, stride=2), "pool 2"),
        (Layer(2), "pool 2, stride 1"),
        (Layer(2, stride=2, name="the pool"), "the pool"),
    ],
)
def test_labels(layer, label):
    assert layer.label == label


# Random stacks, built in Keras at the same time. The weights are ones, so every pixel that a unit sees moves it.


def apply(layer: Layer, maps: keras.KerasTensor) -> keras.KerasTensor:
    """Add the layer to a Keras graph."""
    if isinstance(layer.padding, int):
        maps = keras.layers.ZeroPadding2D(layer.padding)(maps)
    padding = "valid" if isinstance(layer.padding, int) else layer.padding
    if layer.channels is None:
        maps = keras.layers.MaxPooling2D(layer.kernel, layer.stride, padding)(maps)
    else:
        maps = keras.layers.Conv2D(
            layer.channels,
            layer.kernel,
            layer.stride,
            padding,
            dilation_rate=layer.dilation,
            use_bias=layer.bias,
            kernel_initializer="ones",
        )(maps)
    return keras.layers.BatchNormalization()(maps) if layer.batch_norm else maps


def draw_layer(rng: np.random.Generator, size: int, gaps: bool) -> Layer:
    """A layer that fits ``size`` pixels. Without gaps, no pixel that it covers can go unseen."""
    kernel = int(rng.integers(1, min(size, 4) + 1))
    stride = int(rng.integers(1, 4 if gaps else kernel + 1))
    pool = bool(rng.random() < 0.3)
    padding: int | Any = "same" if stride > 1 else str(rng.choice(["valid", "same"]))
    dilation = 1
    if gaps:
        padding = str(rng.choice(["valid", "same"]))
        # Keras has no convolution that is strided and dilated, and no dilated pool.
        if stride == 1 and not pool and 3 * (kernel - 1) < size:
            dilation = int(rng.integers(1, 4))
    elif stride == 1 and rng.random() < 0.3:
        padding = int(rng.integers(0, kernel))
    if pool:
        return Layer(kernel, stride=stride, padding=padding)
    channels = int(rng.integers(1, 4))
    bias, batch_norm = (bool(choice) for choice in rng.integers(0, 2, size=2))
    return Layer(kernel, channels, stride, padding, dilation, bias, batch_norm)


def draw_stack(seed: int, gaps: bool) -> tuple[list[Layer], keras.Model, list[int]]:
    """Layers, the same in Keras with every layer's output, and (image size, channels)."""
    rng = np.random.default_rng(seed)
    size, channels = (int(number) for number in rng.integers((6, 1), (16, 4)))
    inputs = keras.Input((size, size, channels))
    layers, outputs = [], [inputs]
    for _ in range(rng.integers(2, 6)):
        layers.append(draw_layer(rng, outputs[-1].shape[1], gaps))
        outputs.append(apply(layers[-1], outputs[-1]))
    return layers, keras.Model(inputs, outputs[1:]), [size, channels]


def rows_that_matter(model: keras.Model, size: int, channels: int) -> list[np.ndarray]:
    """For each layer a table [input row, output row]: does the one change the other?"""
    one_row_lit = np.zeros((size, size, size, channels), "float32")
    one_row_lit[range(size), range(size)] = 1
    outputs = model(one_row_lit, training=False)
    return [np.asarray(maps).max(axis=(2, 3)) > 0 for maps in outputs]


def assert_sees_exactly(stage: Stage, matters: np.ndarray) -> None:
    seen = [stage.sees(unit) for unit in range(stage.size)]
    assert seen == [range(rows[0], rows[-1] + 1) for rows in map(np.flatnonzero, matters.T)]
    assert matters.sum() == sum(map(len, seen))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_random_stacks_have_the_sizes_and_parameters_of_keras(seed, gaps):
    layers, model, image = draw_stack(seed, gaps)
    stages = trace(layers, *image)
    assert [(None, stage.size, stage.size, stage.channels) for stage in stages] == list(model.output_shape)
    assert total(stages, "parameters") == model.count_params()
    assert total(stages, "trainable") == sum(weights.shape.num_elements() for weights in model.trainable_weights)
    convs = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    positions = [layer.output.shape[1] * layer.output.shape[2] for layer in convs]
    weights = [int(np.prod(layer.kernel.shape)) for layer in convs]
    assert [stage.macs for stage in stages if stage.macs] == list(np.multiply(positions, weights))


@pytest.mark.parametrize("seed", range(20))
def test_units_see_exactly_the_rows_that_matter(seed):
    layers, model, image = draw_stack(seed, gaps=False)
    for stage, matters in zip(trace(layers, *image), rows_that_matter(model, *image), strict=True):
        assert_sees_exactly(stage, matters)


@pytest.mark.slow
def test_units_see_from_the_first_to_the_last_row_that_matters_when_rows_between_are_skipped():
    unclipped = 0
    for seed in range(40):
        layers, model, image = draw_stack(seed, gaps=True)
        for stage, matters in zip(trace(layers, *image), rows_that_matter(model, *image), strict=True):
            for unit in range(stage.size):
                rows, seen = np.flatnonzero(matters[:, unit]), stage.sees(unit)
                assert set(rows) <= set(seen)
                if len(seen) == stage.receptive_field:
                    unclipped += 1
                    assert (rows[0], rows[-1]) == (seen[0], seen[-1])
    assert unclipped > 200


def test_every_unit_of_the_network_and_wrong_receptive_fields():
    layers = scheduled_stack()
    inputs = keras.Input((28, 28, 1))
    outputs = [inputs]
    for layer in layers:
        outputs.append(apply(layer, outputs[-1]))
    matters = rows_that_matter(keras.Model(inputs, outputs[1:]), 28, 1)
    stages = trace(layers)
    for stage, table in zip(stages, matters, strict=True):
        assert_sees_exactly(stage, table)
    assert [stages[4].sees(unit) for unit in range(10)] == [range(2 * unit, 2 * unit + 10) for unit in range(10)]

    pool = stages[3]
    doubled_at_the_pool = dataclasses.replace(pool, receptive_field=2 * stages[2].receptive_field)
    shifted = dataclasses.replace(pool, start=1)
    stride_forgotten = dataclasses.replace(pool, jump=1)
    for wrong in (doubled_at_the_pool, shifted, stride_forgotten):
        with pytest.raises(AssertionError):
            assert_sees_exactly(wrong, matters[3])


def test_same_padding_puts_the_odd_pixel_after_the_image():
    impulse = np.zeros((1, 4, 4, 1), "float32")
    impulse[0, 0, 0, 0] = 1
    maps = keras.layers.Conv2D(1, 2, padding="same", kernel_initializer="ones")(impulse)
    assert pad_width(4, 2, padding="same") == (0, 1)
    assert np.argwhere(maps[0, :, :, 0]).tolist() == [[0, 0]]


# from_keras


@pytest.mark.parametrize("second_block", [16, 32])
def test_the_keras_network_reads_as_the_stack_by_hand(second_block):
    assert from_keras(scheduled_cnn(second_block)) == scheduled_stack(second_block)


@pytest.mark.parametrize("seed", range(8))
def test_random_stacks_survive_the_way_through_keras(seed):
    layers, _, (size, channels) = draw_stack(seed, gaps=True)
    inputs = maps = keras.Input((size, size, channels))
    for layer in layers:
        maps = keras.layers.ReLU()(apply(layer, maps))
    read = from_keras(keras.Model(inputs, keras.layers.Flatten()(maps)))
    assert [dataclasses.replace(layer, name="") for layer in read] == layers


def test_pools_are_named_by_their_kind():
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.AveragePooling2D(2),
            keras.layers.BatchNormalization(),
            keras.layers.MaxPooling2D(3, strides=2),
        ]
    )
    assert [layer.label for layer in from_keras(model)] == ["average-pool 2", "max-pool 3, stride 2"]
    assert total(trace(from_keras(model)), "parameters") == model.count_params() == 4


def test_an_average_over_the_whole_maps_is_a_pool_of_their_size():
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.RandomTranslation(0.1, 0.1),
            keras.layers.RandomRotation(0.1),
            keras.layers.Conv2D(10, 3),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    conv, pool = trace(from_keras(model))
    assert (pool.name, pool.size, pool.receptive_field) == ("average-pool 26", 1, 28)
    assert conv.parameters == model.count_params() == 100


def sequential(*layers: keras.Layer, shape=(12, 12, 4)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *layers])


def skip_connection() -> keras.Model:
    inputs = keras.Input((12, 12, 4))
    maps = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    return keras.Model(inputs, keras.layers.ReLU(name="after_the_sum")(maps + inputs))


def two_heads() -> keras.Model:
    inputs = keras.Input((12, 12, 4))
    heads = [keras.layers.Conv2D(4, 3, name=name)(inputs) for name in ("head_a", "head_b")]
    return keras.Model(inputs, heads)


def used_twice() -> keras.Model:
    inputs = keras.Input((12, 12, 4))
    conv = keras.layers.Conv2D(4, 3, name="twice")
    return keras.Model(inputs, conv(conv(inputs)))


L = keras.layers


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: sequential(L.Flatten(), L.Dense(10, name="top")), "layer 'top' is a Dense"),
        (lambda: sequential(L.GlobalMaxPooling2D(name="gmp")), "layer 'gmp' is a GlobalMaxPooling2D"),
        (
            lambda: sequential(L.GlobalAveragePooling2D(name="gap"), shape=(12, 10, 4)),
            "layer 'gap' must average square maps",
        ),
        (
            lambda: sequential(L.Conv2D(4, 3), L.GlobalAveragePooling2D(name="gap"), shape=(None, None, 1)),
            r"layer 'gap' averages whole maps whose size is unknown, \(None, None, None, 4\): give the model's Input",
        ),
        (lambda: sequential(L.Conv2D(4, 3), shape=(None, 12, 1)), r"\(None, 12, 1\): they must be square"),
        (lambda: sequential(L.DepthwiseConv2D(3, name="dw")), "layer 'dw' is a DepthwiseConv2D"),
        (lambda: sequential(L.Conv2D(4, (3, 5), name="tall")), r"layer 'tall' has kernel_size \(3, 5\)"),
        (lambda: sequential(L.Conv2D(4, 3, (1, 2), name="s")), r"layer 's' has strides \(1, 2\)"),
        (lambda: sequential(L.MaxPooling2D((1, 2), name="p")), r"layer 'p' has pool_size \(1, 2\)"),
        (lambda: sequential(L.Conv2D(4, 3, groups=2, name="g")), "layer 'g' has 2 groups"),
        (
            lambda: sequential(L.MaxPooling2D(2, data_format="channels_first", name="cf")),
            "layer 'cf' has its channels first",
        ),
        (lambda: sequential(L.BatchNormalization(name="first")), "layer 'first' must follow a convolution"),
        (lambda: sequential(L.Conv2D(4, 3), L.BatchNormalization(scale=False, name="bn")), "layer 'bn' must .* scale"),
        (lambda: sequential(L.Conv2D(4, 3), L.Flatten(), L.BatchNormalization(name="bn")), "layer 'bn' must"),
        (
            lambda: sequential(L.Conv2D(4, 3), L.BatchNormalization(), L.BatchNormalization(name="second")),
            "layer 'second' must follow",
        ),
        (lambda: sequential(L.Conv2D(4, 3), shape=(12, 10, 4)), r"\(12, 10, 4\): they must be square"),
        (lambda: keras.Sequential([L.Conv2D(4, 3)], name="bare"), "'bare' must .* starts with an Input"),
        (skip_connection, "layer 'after_the_sum' does not follow"),
        (two_heads, "layer 'head_b' does not follow 'head_a' alone"),
        (used_twice, "must end with its last layer, 'twice', alone"),
    ],
)
def test_models_that_are_more_than_a_stack_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        from_keras(build())


def test_a_model_for_images_of_any_size_is_traced_at_the_size_asked_for():
    layers = from_keras(sequential(L.Conv2D(4, 3), shape=(None, None, 1)))
    assert [stage.size for stage in trace(layers, size=20)] == [18]
    with pytest.raises(ValueError, match="size must be a whole number from 1 up, got None"):
        trace(layers, size=None)
