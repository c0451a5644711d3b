"""Griffe extension for the API reference: examples of docstrings as code, and options as tables of attributes."""

import dataclasses
import importlib
import re
import textwrap
from typing import Any

import griffe

KERAS_SECTION = re.compile(r"^(Call arguments|Output shape|Output):\n((?: {4}.*\n?)+)", re.MULTILINE)


class ReferenceSections(griffe.Extension):
    """Complete docstrings for Griffe.

    Titles of Keras that Griffe does not know become Markdown, and `Example:` at the end an indented `Examples:`. The
    fields of dataclasses of options get a section with the help, bounds and default of their flags.
    """

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        before, title, examples = (obj.docstring.value if obj.docstring else "").partition("\nExample:\n")
        before = KERAS_SECTION.sub(_as_markdown, before)
        if obj.docstring:
            obj.docstring.value = before
        if title:
            obj.docstring.value = f"{before}\nExamples:\n{textwrap.indent(examples.strip(), '    ')}"
        if obj.is_class and obj.docstring and obj.path.startswith("pixelrnn_cli."):
            module, _, name = obj.path.rpartition(".")
            fields = _fields(getattr(importlib.import_module(module), name))
            if fields:
                obj.docstring.value += "\n\nAttributes:\n" + textwrap.indent("\n".join(fields), "    ")


def _as_markdown(section: re.Match[str]) -> str:
    """Write a section of Keras as a list of arguments, or as a paragraph. Items may continue on indented lines."""
    lines = textwrap.dedent(section[2]).splitlines()
    if section[1] != "Call arguments":
        return f"**{section[1]}:** {' '.join(line.strip() for line in lines)}\n"
    items = [line if line.startswith(" ") else re.sub(r"^(\w+): ", r"- **`\1`**: ", line) for line in lines]
    return "\n".join([f"**{section[1]}:**\n", *items, ""])


def _fields(options: type) -> list[str]:
    """Describe the fields of a dataclass of options, one line each."""
    lines = []
    for field in dataclasses.fields(options) if dataclasses.is_dataclass(options) else ():
        metadata = field.metadata
        if "options" in metadata:
            inner = metadata["options"].__name__
            lines.append(f"{field.name}: {'Fields of a' if metadata['as_dict'] else 'A'} `{inner}`.")
        elif "help" in metadata:
            bounds = {"at_least": "at least", "above": "greater than", "at_most": "at most", "below": "less than"}
            notes = [", ".join(metadata["choices"])]
            notes += [f"{word} {metadata[key]:,}" for key, word in bounds.items() if metadata[key] is not None]
            notes += [] if field.default is dataclasses.MISSING else [f"default `{field.default!r}`"]
            lines.append(f"{field.name}: {metadata['help']} ({'; '.join(note for note in notes if note)})")
    return lines
