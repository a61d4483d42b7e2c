"""What differs between two JSON trees, and between two texts: pure, bounded in time, and exact.

The law of this package: the edits of a diff, applied to the old value, give the new one, down to the types of numbers;
and a diff of equal values is empty. However the values look, it takes little more than its time budget.
"""

from __future__ import annotations

from .edits import ABSENT, Diff, Edit, path_text, type_name
from .patch import patched
from .structure import diff
from .text import similarity, words

__all__ = ["ABSENT", "Diff", "Edit", "diff", "patched", "path_text", "similarity", "type_name", "words"]
