"""Words that texts for readers avoid: invented phrases, and British spelling."""

import re

BRITISH = re.compile(
    r"colour|\bgrey|greyscale|centre\b|centred|(?:binar|quant|normal|initial|serial|optim|recogn|regular|general|organ"
    r"|util|minim|maxim|special|synchron|marginal|parameter|summar|visual|standard)"
    r"is(?:e|ed|er|ers|es|ing|ation|able)\b"
    r"|licence|neighbour|behaviour|honour|modelled|labelled|favour|analyse",
    re.IGNORECASE,
)
PHRASES = re.compile(
    r"\b(?:anew|as (?:it|they) (?:is|are|was|were)|for itself|by itself|is another one|compares? with nothing"
    r"|what tells|the way back|mend(?:ed)?|go(?:es|ne)? on (?:from|with)|going on from|beside|alone|made of a run"
    r"|nobody|in words|one's own|takes? part"
    r"|whole (?:map|image|split|number|batch|file|network|picture)s?)\b",
    re.IGNORECASE,
)
# Docstrings begin with a noun phrase or an imperative.
CLAUSE = re.compile(
    r"(?:What|Which|Whether|Where|When|Who|That|As|Nothing|Says|Tells|Files that"
    r"|How (?:many|much|far|long|well|to|the|a))\b"
)


def avoided(text: str) -> list[str]:
    """List the avoided words in a text."""
    return [match.group() for pattern in (BRITISH, PHRASES) for match in pattern.finditer(text)]
