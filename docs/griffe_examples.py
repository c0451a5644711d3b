"""Show the examples of docstrings as code: Griffe reads an indented `Examples:`, and Keras writes `Example:`."""

import textwrap
from typing import Any

import griffe


class ExamplesSections(griffe.Extension):
    """Read `Example:`, which ends a docstring, as `Examples:`."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        before, title, examples = (obj.docstring.value if obj.docstring else "").partition("\nExample:\n")
        if title:
            obj.docstring.value = f"{before}\nExamples:\n{textwrap.indent(examples.strip(), '    ')}"
