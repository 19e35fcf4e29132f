"""Drawings of weights converted for other libraries, and of one batch in several processes."""

from rnnbook.lessons.figures.sheet import Sheet
from rnnbook.lessons.figures.style import WIDTH, styled

# every library's blocks from top to bottom, each as (what it is called there, what it is called here)
ORDERS: dict[str, dict[str, tuple[str, ...]]] = {
    "LSTM": {
        "this book, PyTorch": ("i i", "f f", "g g", "o o"),
        "Keras": ("i i", "f f", "c g", "o o"),
        "ONNX": ("i i", "o o", "f f", "c g"),
    },
    "GRU": {
        "this book, PyTorch": ("r r", "z z", "n n"),
        "Keras": ("z z", "r r", "h n"),
        "ONNX": ("z z", "r r", "h n"),
    },
}


@styled
def block_orders():
    """The blocks of a weight in three libraries: one column each, coloured by gate, with that library's names."""
    side, tall, pitch = 0.52, 0.44, 1.12
    sheet = Sheet(WIDTH, 0.8 + 4 * tall)
    top = 4 * tall + 0.12
    for group, (layer, libraries) in enumerate(ORDERS.items()):
        left = 0.05 + group * 3.6
        sheet.text(left + 1.65, top + 0.5, layer, size=13)
        for column, (library, blocks) in enumerate(libraries.items()):
            x = left + 0.55 + pitch * column
            sheet.text(x, top + 0.2, library.replace("this book, ", "ours, "), size=10)
            for row, block in enumerate(blocks):
                there, here = block.split()
                sheet.box(x, top - tall * (row + 0.5), side, tall - 0.05, there, here, 15, f"{layer}-{library}-{here}",
                          0.3, corner=0.04)  # fmt: skip
            if column > 0:
                before = list(libraries.values())[column - 1]
                for row, block in enumerate(blocks):
                    start = [b.split()[1] for b in before].index(block.split()[1])
                    ends = ((x - pitch + side / 2 + 0.03, top - tall * (start + 0.5)),
                            (x - side / 2 - 0.03, top - tall * (row + 0.5)))  # fmt: skip
                    sheet.line(*ends, colour=block.split()[1], head=False)
    return sheet.figure


@styled
def shared_batch():
    """One batch in two processes: each has the weights and a share; the gradients are averaged; all make one update."""
    high = 1.05
    sheet = Sheet(WIDTH, 0.5 + 2 * high)
    middle = 0.1 + high
    columns = ((1.0, "a share of the batch"), (2.75, "the same weights"), (4.4, "its gradient"), (6.1, "one update"))
    for x, words in columns:
        sheet.text(x, 2 * high + 0.25, words, size=10.5)
    sheet.disc(5.2, middle, 0.2, "", "gradient", gid="mean", fill=0.1)
    sheet.text(5.2, middle, "½ Σ", "gradient", 10)
    for k in range(2):
        y = high * (2 - k) - 0.4
        for s in range(3):
            sheet.box(1.0, y + 0.2 - 0.2 * s, 1.1, 0.14, colour="x", fill=0.3, gid=f"share-{k}", corner=0.03)
        sheet.box(2.75, y, 0.85, 0.6, "$W$", "W_hh", 15, gid=f"weights-{k}")
        sheet.line((1.6, y), (2.27, y))
        sheet.line((3.22, y), (4.1, y), colour="gradient", dashed=True)
        sheet.text(4.4, y, rf"$\mathrm{{d}}W^{{({k + 1})}}$", "gradient", 13)
        into = 0.14 if y > middle else -0.14
        sheet.line((4.78, y), (5.06, middle + into), colour="gradient", dashed=True)
        sheet.line((5.34, middle + into), (5.66, y), colour="gradient", dashed=True)
        sheet.box(6.1, y, 0.85, 0.6, r"$W - \eta\,\mathrm{d}W$", "W_hh", 10.5, gid=f"updated-{k}")
    return sheet.figure
