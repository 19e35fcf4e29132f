"""The network of the figure *type a date*: small enough to send, exact in half precision, and good at its task."""

import json

import date_reader
import numpy as np
import pytest

from rnnbook.data import dates


def test_the_file_is_one_call_with_json_and_smaller_than_150_kilobytes():
    text = date_reader.FILE.read_text(encoding="utf-8")
    assert len(text) < 150_000 and text.startswith("rnnbookDateReader(") and text.endswith(");\n")
    stored = json.loads(text[len("rnnbookDateReader(") : -3])
    assert (stored["source"], stored["target"], stored["steps"]) == (dates.SOURCE_ALPHABET, dates.TARGET_ALPHABET, 10)


def test_writing_and_reading_a_network_gives_it_back_rounded_to_half_precision(tmp_path):
    state = {name: value + 1e-3 for name, value in date_reader.stored().state_dict().items()}
    path = tmp_path / "weights.js"
    path.write_text(date_reader.script(state), encoding="utf-8")
    again = date_reader.stored(path).state_dict()
    assert list(again) == list(state)
    for name, value in again.items():
        np.testing.assert_array_equal(value, state[name].astype(np.float16).astype(float))


@pytest.mark.slow
def test_it_reads_days_that_it_was_never_trained_on():
    assert date_reader.right(B=200) > 0.95
