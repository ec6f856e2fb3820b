"""Cells that several tables of a page have."""

from __future__ import annotations


def share_cell(share: float, widest: float) -> str:
    """A share as a percentage and as a bar, which is full where the share is the `widest` of its table."""
    return f'<td>{100 * share:.1f} %<div class="bar"><i style="width:{100 * share / widest:.1f}%"></i></div></td>'
