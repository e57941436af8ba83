"""The names of the published encodings, for what needs no more of them."""

__all__ = ["NAMES"]

#: In the order in which they were published.
NAMES = (
    "gpt2",
    "r50k_base",
    "p50k_base",
    "p50k_edit",
    "cl100k_base",
    "o200k_base",
    "o200k_harmony",
)
