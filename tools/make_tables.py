"""Make the tables of rnnbook/data/tables again, from the files of the packages that the numbers come from.

    python tools/make_tables.py            write each table whose content differs, and print the checksum of every one
    python tools/make_tables.py --check    write nothing; say which tables differ from what would be written

A table is text: a line of names, then rows of numbers or words, each as in its source. It is compressed by gzip,
with no name and no time in the head, so the same text gives the same bytes. Another build of zlib may compress it to
other bytes; so a table is compared by its content, and its file by the checksum in ``rnnbook.data.TABLES``.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

from rnnbook.data import TABLES, read

FOLDER = Path(__file__).resolve().parents[1] / "rnnbook" / "data" / "tables"
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def lines_of(content: bytes) -> list[str]:
    return content.decode("ascii").splitlines()


def sunspots_monthly() -> list[list[str]]:
    """A row for each whole year: the year and its twelve months. The six months of 2009 are preliminary."""
    rows = [line.split() for line in lines_of(read("sunspots_monthly")[0]) if line[:4].isdigit()]
    return [["year", *MONTHS], *(row for row in rows if len(row) == 13)]


def el_nino_monthly() -> list[list[str]]:
    return [["year", *MONTHS], *(line.split(",") for line in lines_of(read("el_nino_monthly")[0])[1:])]


def co2_monthly() -> list[list[str]]:
    """A row for each week: the date of its Saturday, and its mean, or nothing where none was measured."""
    return [["date", "co2"], *(line.split(",") for line in lines_of(read("co2_monthly")[0])[1:])]


def digits() -> list[list[str]]:
    """A row for each image: its pixels, the top row first, and its label."""
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    return [[*names, "label"], *(line.split(",") for line in lines_of(gzip.decompress(read("digits")[0])))]


def japanese_vowels() -> list[list[str]]:
    """A row for each frame: the utterance, counted through the training part and on, its speaker, 12 coefficients."""
    table = [["utterance", "speaker", *(f"c{k}" for k in range(1, 13))]]
    parts = [content.decode("ascii") for content in read("japanese_vowels")]
    lines = [line for part in parts for line in part.split("@data\n")[1].split()]
    for utterance, line in enumerate(lines):
        *coefficients, speaker = line.split(":")
        for frame in zip(*(series.split(",") for series in coefficients), strict=True):
            table.append([str(utterance), speaker, *frame])
    return table


def pronunciations() -> list[list[str]]:
    """A row for each listed pronunciation, in the dictionary's order: the word, its phonemes. Comments are left out."""
    rows = [line.partition("#")[0].split() for line in lines_of(read("pronunciations")[0])]
    return [["word", "phonemes"], *([word.partition("(")[0], " ".join(said)] for word, *said in rows)]


def genome() -> list[list[str]]:
    """A row for each gene: its first and last base, counted from 1, its strand, and the bases up to the next row's.

    A first row without a gene holds what lies before it. Prodigal learns from the training region alone, the first
    60 %, and then predicts the genes of the whole.
    """
    from pyrodigal import GeneFinder

    sequence = "".join(lines_of(gzip.decompress(read("genome")[0]))[1:])
    finder = GeneFinder()
    finder.train(sequence[: len(sequence) * 6 // 10])
    genes = sorted((gene.begin, gene.end, gene.strand) for gene in finder.find_genes(sequence))
    starts = [1, *(begin for begin, _, _ in genes)]
    stretches = [sequence[a - 1 : b - 1] for a, b in zip(starts, [*starts[1:], len(sequence) + 1], strict=True)]
    rows = [["", "", "", stretches[0]]]
    rows += [[*map(str, gene), bases] for gene, bases in zip(genes, stretches[1:], strict=True)]
    return [["first", "last", "strand", "bases"], *rows]


MAKERS: dict[str, Callable[[], list[list[str]]]] = {
    maker.__name__: maker
    for maker in (sunspots_monthly, el_nino_monthly, co2_monthly, digits, japanese_vowels, pronunciations, genome)
}


def text_of(name: str) -> bytes:
    """Return a table's text as its sources give it."""
    return "".join(",".join(row) + "\n" for row in MAKERS[name]()).encode("ascii")


def compress(text: bytes) -> bytes:
    return gzip.compress(text, compresslevel=9, mtime=0)


def differences(folder: Path = FOLDER) -> list[str]:
    """Say of each table in the folder in what it is not what its source gives, one sentence each."""
    wrong = []
    for name in MAKERS:
        path = folder / f"{name}.csv.gz"
        if not path.is_file():
            wrong.append(f"{path.name} is missing")
            continue
        content = path.read_bytes()
        if gzip.decompress(content) != text_of(name):
            wrong.append(f"{path.name} does not hold the numbers of its source")
        elif hashlib.sha256(content).hexdigest() != TABLES[name]:
            wrong.append(
                f"{path.name} holds the numbers of its source, but has another checksum than in rnnbook.data.TABLES"
            )
    return wrong


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        problems = differences()
        print("\n".join(problems) or f"the {len(MAKERS)} tables hold what their sources give")
        return 1 if problems else 0
    for name in MAKERS:
        path, text = FOLDER / f"{name}.csv.gz", text_of(name)
        if not path.is_file() or gzip.decompress(path.read_bytes()) != text:
            path.write_bytes(compress(text))
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}  {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
