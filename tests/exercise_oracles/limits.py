"""Oracles for the chapter *Advantages and drawbacks, measured*: a loop over blocks, and a walk along the waves."""

import math


def block_differences(first, second, block):
    """Add up each block by itself, month by month."""
    found = []
    for start in range(0, len(first) - block + 1, block):
        months = range(start, start + block)
        found.append(math.fsum((first[t] - second[t]) * (first[t] + second[t]) for t in months) / block)
    return found


def cells_per_wave(L, T):
    """Compute every cell as soon as the cell below and the cell before are done; count those of each round."""
    done, counts = set(), []
    while len(done) < L * T:
        ready = {
            (layer, step)
            for layer in range(L)
            for step in range(T)
            if (layer, step) not in done
            and (layer == 0 or (layer - 1, step) in done)
            and (step == 0 or (layer, step - 1) in done)
        }
        counts.append(len(ready))
        done |= ready
    return counts
