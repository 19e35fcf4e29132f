"""The figures of a language model show what they were given."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from rnnbook.lessons import figures


def gids(figure, start):
    names = [artist.get_gid() for artist in figure.findobj(lambda a: a.get_gid())]
    return sorted(name.removeprefix(start) for name in names if name.startswith(start))


def shape(figure, gid):
    (found,) = figure.findobj(lambda a: a.get_gid() == gid)
    return found


def texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("text", ["ab", "heaven", "a b\n"])
def test_a_character_model_reads_each_character_and_should_say_the_next(text):
    figure = figures.character_model(text)
    T = len(text) - 1
    steps = [str(t) for t in range(1, T + 1)]
    for part in ("token", "e", "h", "y", "p", "target", "arrow-e", "arrow-h", "arrow-y", "arrow-target"):
        assert [s for s in gids(figure, f"{part}-") if s.isdigit()] == steps, part
    assert gids(figure, "arrow-hh-") == steps[1:]
    seen = "".join(figures.language_model.VISIBLE.get(c, c) for c in text)
    words = texts(figure.axes[0])
    for t in range(T):
        assert seen[t] in words and seen[t + 1] in words
    below, above = (shape(figure, f"{part}-1").center for part in ("token", "target"))
    assert below[0] == above[0] and below[1] < above[1]
    placed = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert placed[below] == seen[0] and placed[above] == seen[1]


@pytest.mark.parametrize("text", ["", "a", 3])
def test_a_text_too_short_to_predict_is_refused(text):
    with pytest.raises(ValueError, match="text should have two characters or more"):
        figures.character_model(text)


P = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])


def test_guesses_stand_in_the_order_of_their_probability_and_the_right_one_is_framed():
    axes = figures.guesses("ca", P, "abc", top=2).axes[0]
    placed = {(int(t.get_position()[0]), int(t.get_position()[1])): t.get_text() for t in axes.texts}
    assert placed == {(0, 0): "c", (0, 1): "b", (0, 2): "c", (1, 0): "a", (1, 1): "a", (1, 2): "c"}
    framed = {p.get_gid(): p.get_xy() for p in axes.patches if str(p.get_gid()).startswith("came")}
    assert framed == {"came-0": (0, 2.25), "came-1": (1, 1.25)}


def test_a_likelier_guess_is_darker():
    figure = figures.guesses("ca", P, "abc", top=3)
    shades = [sum(shape(figure, f"guess-0-{row}").get_facecolor()[:3]) for row in (1, 2, 3)]
    assert shades == sorted(shades) and len(set(shades)) == 3
    assert shape(figure, "guess-0-0").get_facecolor() == shape(figure, "guess-0-2").get_facecolor()


def test_guesses_need_a_probability_for_each_character_of_the_vocabulary():
    with pytest.raises(ValueError, match=r"probabilities should have shape \(2, 4\)"):
        figures.guesses("ca", P, "abcd")


def test_coloured_text_breaks_lines_and_shows_sign_and_size():
    figure = figures.coloured_text("ab c\n", [1, -1, 0, 0.5, 3], "value", columns=2)
    axes = figure.axes[0]
    placed = [(t.get_text(), *np.floor(t.get_position()).tolist()) for t in axes.texts]
    assert placed == [("a", 0, 0), ("b", 1, 0), ("␣", 0, 1), ("c", 1, 1), ("↵", 0, 2)]
    red, _, blue = zip(*(shape(figure, f"value-{n}").get_facecolor()[:3] for n in range(5)))
    assert red[0] > blue[0] and blue[1] > red[1]
    assert red[4] == red[0]  # beyond 1 the colour stays
    assert abs(red[2] - blue[2]) < 0.02 < red[3] - blue[3] < red[0] - blue[0]


def test_coloured_text_compares_several_values():
    figure = figures.coloured_text("ab", {"one": [0, 1], "two": [1, 0]}, "value")
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["one", "two"]
    with pytest.raises(ValueError, match=r"values of two should have shape \(2,\)"):
        figures.coloured_text("ab", {"one": [0, 1], "two": [1]}, "value")


FIGURES = {
    "ranked": lambda: figures.ranked({"a": 1.5, "b": 2.25, "c": 1.25}, {"one": ["a", "c"], "two": ["b"]}, "bits"),
    "character_model": lambda: figures.character_model("heaven"),
    "guesses": lambda: figures.guesses("ca" * 20, np.tile(P, (20, 1)), "abc", top=2),
    "coloured_text": lambda: figures.coloured_text("In the beginning" * 9, np.sin(np.arange(144)), "value"),
}


@pytest.mark.parametrize("value", np.linspace(-1, 1, 9))
def test_letters_stay_readable_on_every_value(value):
    figure = figures.coloured_text("a", [value], "value")

    def luminance(colour):
        c = np.array(colour[:3])
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    back = luminance(shape(figure, "value-0").get_facecolor())
    letter = luminance(to_rgb(figure.axes[0].texts[0].get_color()))
    assert (back + 0.05) / (letter + 0.05) >= 4.5


def test_models_stand_from_the_worst_to_the_best_each_at_its_value_in_the_marks_of_its_group():
    axes = FIGURES["ranked"]().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a", "c"]
    marks = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert marks == {"one": [[1.5, 1], [1.25, 2]], "two": [[2.25, 0]]}
    assert texts(axes) == ["2.25", "1.50", "1.25"]
    assert len({line.get_marker() for line in axes.lines}) == len({line.get_color() for line in axes.lines}) == 2


def test_a_model_of_no_group_is_refused():
    with pytest.raises(ValueError, match="groups should hold every name in values, but 'b' is in none"):
        figures.ranked({"a": 1.5, "b": 2.25}, {"one": ["a"]}, "bits")
