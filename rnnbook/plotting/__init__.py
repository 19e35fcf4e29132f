"""Every figure of the book, one function each, in one style."""
from .networks import unrolled_network
from .style import COLOURS, PALETTE, palette_png, panels, set_style

__all__ = ["COLOURS", "PALETTE", "palette_png", "panels", "set_style", "unrolled_network"]
