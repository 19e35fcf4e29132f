"""The genome's genes are genes, and its labels read the same from either strand."""

import numpy as np
import pytest
from searches import LIBRARY, SLOW

from rnnbook import data
from rnnbook.data.genomes import LABELS, NOT_CODING, UNLABELLED, base_labels, by_frame, reverse_complement

in_part = pytest.mark.search(SLOW, *LIBRARY, "constraints.txt")

GENOME = data.genome()


def letters(bases):
    return "".join(np.array(list("ACGT"))[bases])


@pytest.mark.slow
@in_part
def test_every_gene_is_whole_codons_from_a_start_to_a_stop():
    starts, stops = set(), set()
    for first, end, strand in GENOME.genes:
        gene = GENOME.bases[first:end] if strand > 0 else reverse_complement(GENOME.bases[first:end])
        codons = [letters(gene[k : k + 3]) for k in range(0, len(gene), 3)]
        assert len(gene) % 3 == 0 and len(gene) >= 90
        assert not {"TAA", "TAG", "TGA"} & set(codons[:-1])
        starts.add(codons[0])
        stops.add(codons[-1])
    assert starts == {"ATG", "GTG", "TTG"} and stops == {"TAA", "TAG", "TGA"}


def test_the_genome_is_the_one_on_its_card():
    assert len(GENOME.bases) == 2_463_666 and GENOME.bases.dtype == np.int8
    assert letters(GENOME.bases[:8]) == "GTGTGGAA"
    assert np.mean((GENOME.bases == 1) | (GENOME.bases == 2)) == pytest.approx(0.5352, abs=5e-5)
    assert GENOME.train_end == 1_478_199


def test_labels_are_codon_positions_on_their_strand():
    genes = np.array([[2, 8, 1], [9, 15, -1]])
    assert base_labels(genes, 17).tolist() == [3, 3, 0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 3, 3]
    assert [LABELS[k] for k in (0, 3, 6)] == ["+, base 1", "not coding", "-, base 1"]


def test_bases_in_two_genes_have_no_label():
    labels = base_labels(np.array([[0, 6, 1], [4, 10, -1]]), 12)
    assert labels.tolist() == [0, 1, 2, 0, UNLABELLED, UNLABELLED, 6, 4, 5, 6, NOT_CODING, NOT_CODING]
    whole = base_labels(GENOME.genes, len(GENOME.bases))
    assert np.sum(whole == UNLABELLED) == 6563


def test_the_labels_of_the_other_strand_are_the_same_counted_from_the_other_end():
    N = len(GENOME.bases)
    turned = GENOME.genes[::-1, [1, 0, 2]] * [-1, -1, -1] + [N, N, 0]
    here, there = base_labels(GENOME.genes, N), base_labels(turned, N)
    np.testing.assert_array_equal(there[::-1], np.where(here == UNLABELLED, here, 6 - here))
    assert letters(reverse_complement(GENOME.bases[:6])) == "CCACAC"  # of GTGTGG


@pytest.mark.parametrize("first", [0, 4, 11])
def test_a_frame_is_one_column_along_a_gene(first):
    genes = np.array([[first + 2, first + 32, 1], [first + 40, first + 70, -1]])
    labels = base_labels(genes - [first, first, 0], 80)
    found = by_frame(np.eye(7)[labels], first)
    np.testing.assert_array_equal(found.sum(axis=1), 1)
    assert set(found[2:32].argmax(axis=1)) == {(first + 2) % 3}  # where its codons begin
    assert set(found[40:70].argmax(axis=1)) == {4 + (first + 69) % 3}
    assert set(np.delete(found, [*range(2, 32), *range(40, 70)], axis=0).argmax(axis=1)) == {NOT_CODING}


def test_arrays_of_another_shape_are_named():
    with pytest.raises(ValueError, match=r"genes should have shape \(G, 3\), but has shape \(3,\)"):
        base_labels(np.array([1, 4, 1]), 9)
    with pytest.raises(ValueError, match=r"p should have shape \(N, 7\), but has shape \(7, 2\)"):
        by_frame(np.ones((7, 2)))
