"""Real data sets as arrays, and synthetic tasks; nothing is downloaded.

::

    sunspots_monthly()   3,120 months of sunspot numbers, 1749 to 2008
    el_nino_monthly()    732 months of sea surface temperature off Peru, 1950 to 2010
    co2_monthly()        525 months of carbon dioxide in the air, 1958 to 2001
    digits()             1,797 handwritten digits of 8 x 8 pixels
    japanese_vowels()    640 utterances of nine speakers, 7 to 29 frames of 12 coefficients
    genome()             2,463,666 bases of a bacterium, and its 2,337 genes as a program predicts them
    pronunciations()     117,467 English words and how they are said, in 39 phonemes
    basic_motions()      80 recordings of a watch, four activities, 100 steps of 6 sensors
    bible_text()         the King James Version, 4.2 million characters
    surnames()           10,666 surnames of twelve languages

::

    split_by_time, windows, standardise    from a series to inputs and targets
    rnnbook.data.plants                    simulated machines to model and to control; a separate module
    rnnbook.data.tasks                     synthetic tasks that need memory; a separate module
    rnnbook.data.dates                     written dates and their true alignment; a separate module

The first seven are tables in this package (``rnnbook/data/tables``); the others are read from the files of other
packages, without importing them. Each file is checked against its SHA-256: a number printed in the book belongs to
exactly these bytes. The book's page *Data cards* (``book/data_cards.md``) gives source, licence, shape and split of
every set; CONTRIBUTING.md says what a new set needs.
"""

from rnnbook.data.files import LANGUAGES, SOURCES, TABLES, Source, read, table
from rnnbook.data.genomes import Genome, base_labels, by_frame, genome, reverse_complement
from rnnbook.data.labelled import Images, Motions, Utterances, basic_motions, digits, japanese_vowels
from rnnbook.data.series import (
    Scale,
    Series,
    co2_monthly,
    el_nino_monthly,
    split_by_time,
    standardise,
    sunspots_monthly,
    windows,
)
from rnnbook.data.texts import Names, bible_text, surnames
from rnnbook.data.words import Pronunciations, pronunciations
