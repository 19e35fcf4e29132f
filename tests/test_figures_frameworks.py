"""The drawings of weights on their way, and of a shared batch, show what the converters and the update do."""

import numpy as np

from rnnbook.lessons import figures
from rnnbook.lessons.figures.frameworks import ORDERS
from rnnbook.weights import layouts


def test_the_orders_drawn_are_those_of_the_converters():
    for layer, libraries in ORDERS.items():
        here = [block.split()[1] for block in libraries["this book, PyTorch"]]
        for library, order in (("Keras", layouts.KERAS), ("ONNX", layouts.ONNX)):
            assert [block.split()[1] for block in libraries[library]] == [here[k] for k in order[layer]]


def test_every_block_is_drawn_in_its_place_and_joined_to_itself():
    axes = figures.block_orders().axes[0]
    boxes = {patch.get_gid(): patch for patch in axes.patches if patch.get_gid()}
    for layer, libraries in ORDERS.items():
        for library, blocks in libraries.items():
            tops = [boxes[f"{layer}-{library}-{block.split()[1]}"].get_y() for block in blocks]
            assert tops == sorted(tops, reverse=True)
    assert len(boxes) == sum(len(blocks) for libraries in ORDERS.values() for blocks in libraries.values())
    written = [text.get_text() for text in axes.texts if len(text.get_text()) == 1]
    names = [block[0] for libraries in ORDERS.values() for blocks in libraries.values() for block in blocks]
    assert sorted(written) == sorted(names)


def test_each_process_has_a_share_the_weights_and_the_update_and_all_meet_in_one_mean():
    axes = figures.shared_batch().axes[0]
    kinds = [patch.get_gid() for patch in axes.patches if patch.get_gid()]
    for process in (0, 1):
        assert kinds.count(f"share-{process}") == 3
        assert kinds.count(f"weights-{process}") == kinds.count(f"updated-{process}") == 1
    assert kinds.count("mean") == 1
    assert np.isclose([p for p in axes.patches if p.get_gid() == "mean"][0].center[0], 5.2)
