"""Figures of truncated backpropagation through time: which gradients a cut removes."""

import numpy as np
from matplotlib.colors import LogNorm

from rnnbook.errors import check_shape
from rnnbook.lessons.figures.charts import named, zero_cell
from rnnbook.lessons.figures.style import panels, styled


@styled
def cut_gradients(reached, lowest=1e-6):
    """How strongly each step's loss reaches each state, side by side: {title: norms (T, T)}.

    Row t, column s holds the norm of the gradient of the loss at step t with respect to the state after step s. The
    colours are logarithmic; anything below ``lowest`` has the palest one, and a zero in the lower triangle is hatched:
    no gradient passes there.
    """
    reached = named("reached", reached, "title: norms")
    T = len(next(iter(reached.values())))
    figure, axes = panels(1, len(reached), height=3.0, sharey=True, squeeze=False)
    steps = np.arange(T + 1) + 0.5
    highest = max(norms.max() for norms in reached.values())
    for at, (title, norms) in zip(axes[0], reached.items(), strict=True):
        check_shape(f"reached[{title!r}]", norms, (T, T))
        shown = np.ma.masked_where((norms == 0) | np.triu(np.ones((T, T), dtype=bool), 1), norms)
        picture = at.pcolormesh(
            steps, steps, shown.clip(lowest, None), norm=LogNorm(lowest, highest), cmap="viridis_r", rasterized=True
        )
        for t, s in np.argwhere(np.tril(norms == 0)):
            at.add_patch(zero_cell((s + 0.5, t + 0.5)))
        at.set(title=title, xlabel="state after step $s$", aspect="equal", ylim=(T + 0.5, 0.5))
        at.locator_params(integer=True)
        at.grid(visible=False)
    axes[0, 0].set_ylabel("loss at step $t$")
    label = r"$\Vert\,\partial \ell_t\,/\,\partial h_s\,\Vert$"
    figure.colorbar(picture, ax=axes[0], label=label, shrink=0.85, pad=0.02, extend="min")
    return figure
