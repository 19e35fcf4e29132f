"""A whole genome, its predicted genes, and what each base is: a codon position on a strand, or not coding.

Bases and labels are numbered so that the other strand is the same array read backward and counted from the other end:
bases A, C, G, T are 0 to 3, so the complement of b is 3 - b; labels are 0, 1, 2 for the three codon positions of a gene
on the given strand, 3 for a base outside all genes, and 6, 5, 4 for the three codon positions on the other strand, so a
label y is 6 - y as seen from there.
"""

from typing import NamedTuple

import numpy as np

from rnnbook.data.files import table

LABELS = ["+, base 1", "+, base 2", "+, base 3", "not coding", "-, base 3", "-, base 2", "-, base 1"]  # of a codon
NOT_CODING, UNLABELLED = 3, -1


class Genome(NamedTuple):
    """Bases (N,) from 0 to 3 for A, C, G, T; ``genes`` (G, 3): first base, end (exclusive), strand 1 or -1.

    ``train_end``: the program that predicted the genes was trained on the bases before it, and on no others.
    """

    bases: np.ndarray
    genes: np.ndarray
    train_end: int
    name: str
    unit: str


def genome():
    """The genome of *Corynebacterium diphtheriae*: ``bases`` (2463666,), and its predicted ``genes`` (2337, 3).

    The genes are predictions of Prodigal 2.6.3 (pyrodigal 3.7.1), whose statistics come only from the first 60 % of the
    genome: to agree with them is to agree with a program.
    Source: NCBI NZ_LN831026.1, strain NCTC 11397, read from the files of pyrodigal; genes: Hyatt and others (2010).
    """
    rows = [row.split(",") for row in table("genome").splitlines()[1:]]
    letters = np.frombuffer("".join(row[3] for row in rows).encode("ascii"), np.uint8)
    bases = np.searchsorted(np.frombuffer(b"ACGT", np.uint8), letters).astype(np.int8)
    genes = np.array([row[:3] for row in rows[1:]], dtype=np.int64) - [1, 0, 0]
    return Genome(bases, genes, len(bases) * 6 // 10, "Corynebacterium diphtheriae", "base")


def base_labels(genes, N):
    """Return the label of each base (N,), from 0 to 6, given the genes (G, 3); -1 where two genes overlap.

    A base in two genes has two labels, so it has none here, and is neither trained on nor scored.
    """
    genes = np.asarray(genes)
    if genes.ndim != 2 or genes.shape[1] != 3:
        raise ValueError(f"genes should have shape (G, 3), but has shape {genes.shape}")
    labels, covered = np.full(N, NOT_CODING, np.int8), np.zeros(N, np.int8)
    for first, end, strand in genes:
        position = np.arange(end - first) % 3
        labels[first:end] = position if strand > 0 else (6 - position)[::-1]
        covered[first:end] += 1
    labels[covered > 1] = UNLABELLED
    return labels


def reverse_complement(bases):
    """Return the other strand of the bases (N,) in its own reading direction."""
    return 3 - bases[::-1]


def by_frame(p, first=0):
    """Turn probabilities of labels p (N, 7) into those of reading frames: the columns then stay the same along a gene.

    Columns 0 to 2 are the frames of the given strand, by the place of a codon's first base modulo 3; 3 is not coding; 4
    to 6 are the frames of the other strand. ``first`` is the place of the first row in the genome.
    """
    p = np.asarray(p)
    if p.ndim != 2 or p.shape[1] != 7:
        raise ValueError(f"p should have shape (N, 7), but has shape {p.shape}")
    t = first + np.arange(len(p))[:, None]
    plus = (t - np.arange(3)) % 3  # the codon position of base t in each frame
    minus = 6 - (np.arange(3) - t) % 3
    return np.concatenate([np.take_along_axis(p, plus, 1), p[:, 3:4], np.take_along_axis(p, minus, 1)], axis=1)
