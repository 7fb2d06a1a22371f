"""The controls: one file each, a card and one pure check; `evaluation` applies them all.

Siblings on this floor do not import each other: a control knows nothing of the ladder.
"""
