"""Flags from the fields of dataclasses, which declare name, default, help, bounds and choices once.

    @dataclasses.dataclass(frozen=True)
    class Options:
        num_images: int = option("Number of images.", 16, at_least=1, at_most=10_000)

        def __post_init__(self):
            check(self)

`define(Options)` defines `--num_images`, `read(Options)` returns the parsed values, and `check` also enforces the
bounds when the dataclass is constructed from Python.
"""

import dataclasses
import math
import os
import pathlib
import textwrap
import types
import typing
from typing import Any, TypeVar

from absl import flags

Options = TypeVar("Options")
WIDTH = 100  # Columns of the text of --help.


def option(
    help: str,
    default: Any = dataclasses.MISSING,
    *,
    flag: str = "",
    alias: str = "",
    group: str = "Flags",
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] = (),
    form: str = "",
    endings: tuple[str, ...] = (),
    files: bool = False,
    written: str = "",
) -> Any:
    """Declare a dataclass field that is also a flag.

    Args:
        help: a sentence for users of the program and of the dataclass.
        default: default value; without one the flag is required.
        flag: name of the flag; by default that of the field.
        alias: an earlier name of the flag and the field, which still works.
        group: heading of the flag in the help.
        at_least: smallest permitted number.
        above: numbers must be greater than this.
        at_most: largest permitted number.
        below: numbers must be smaller than this.
        choices: permitted strings.
        form: for a tuple, its text form, such as "HEIGHT,WIDTH".
        files: for a tuple of strings, treat them as files, see `image_files.find_images`; the flag may be repeated.
        written: for a path, "file" or "folder": it must be writable.
    """
    metadata = {
        "help": help, "flag": flag, "alias": alias, "group": group, "choices": choices, "form": form,
        "endings": endings, "files": files, "written": written,
        "at_least": at_least, "above": above, "at_most": at_most, "below": below,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


def options_in(options: type, *, given_by: str = "", as_dict: bool = False) -> Any:
    """Declare a field that holds another dataclass of options.

    Args:
        options: the dataclass; its flags are defined with those of the outer one.
        given_by: one of its flags, without which the field is None and its other flags are rejected.
        as_dict: store the field as a dictionary of the options that are not None.
    """
    metadata = {"options": options, "given_by": given_by, "as_dict": as_dict}
    if given_by:
        return dataclasses.field(default=None, metadata=metadata)
    return dataclasses.field(default_factory=dict if as_dict else options, metadata=metadata)


def check(options: Any) -> None:
    """Check the values of a dataclass against the types, bounds and choices of its fields, in its `__post_init__`.

    Raises:
        ValueError: for the first invalid value.
    """
    hints = typing.get_type_hints(type(options))
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if "help" not in field.metadata or value is None:
            continue
        name, choices = _flag(field), field.metadata["choices"]
        if choices and value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")
        kind = _kind(hints[field.name])
        if kind is bool and not isinstance(value, bool):
            raise ValueError(f"{name} must be True or False, got {value!r}.")
        if kind in (int, float):
            _check_number(name, value, kind, field.metadata)


def _check_number(name: str, value: Any, kind: type, bounds: typing.Mapping[str, Any]) -> None:
    is_number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not _within(value, bounds):
        number = "an integer" if kind is int else "a number"
        raise ValueError(f"{name} must be {number}{_range(bounds)}, got {value!r}.")


def _within(value: float, bounds: typing.Mapping[str, Any]) -> bool:
    at_least, above, at_most, below = (bounds[key] for key in ("at_least", "above", "at_most", "below"))
    return (
        (at_least is None or value >= at_least)
        and (above is None or value > above)
        and (at_most is None or value <= at_most)
        and (below is None or value < below)
    )


def _range(bounds: typing.Mapping[str, Any]) -> str:
    """Describe the bounds, such as " of at least 1 and at most 10"."""
    words = {"at_least": "of at least", "above": "greater than", "at_most": "at most", "below": "smaller than"}
    parts = [f"{word} {bounds[key]:,}" for key, word in words.items() if bounds[key] is not None]
    return f" {' and '.join(parts)}" if parts else ""


def define(options: type, values: flags.FlagValues = flags.FLAGS) -> None:
    """Define a flag for every field of a dataclass made by `option`, including nested dataclasses."""
    for field, hint, unset in _fields(options):
        name, default, metadata = _flag(field), field.default, field.metadata
        default = None if unset or default is dataclasses.MISSING else default
        kind, more = _kind(hint), {"flag_values": values, "module_name": metadata["group"]}
        if metadata["choices"]:
            flags.DEFINE_enum(name, default, list(metadata["choices"]), metadata["help"], **more)
        elif metadata["files"]:
            flags.DEFINE_multi_string(name, default or None, metadata["help"], **more)
        elif kind is tuple:
            flags.DEFINE_list(name, default if default is None else list(default), metadata["help"], **more)
        elif kind is bool:
            flags.DEFINE_boolean(name, default, metadata["help"], **more)
        else:
            text = None if default is None else str(default) if kind is pathlib.Path else default
            of_kind = {int: flags.DEFINE_integer, float: flags.DEFINE_float}.get(kind, flags.DEFINE_string)
            of_kind(name, text, metadata["help"], **more)
        if metadata["alias"]:
            flags.DEFINE_alias(metadata["alias"], name, flag_values=values, module_name=metadata["group"])


def read(options: type[Options], values: flags.FlagValues = flags.FLAGS) -> Options:
    """Make the dataclass from the values of its flags.

    Raises:
        ValueError: for an invalid value.
    """
    arguments = {}
    hints = typing.get_type_hints(options)
    for field in dataclasses.fields(typing.cast(Any, options)):
        if "options" in field.metadata:
            arguments[field.name] = _read_inner(field, values)
        elif "help" in field.metadata:
            arguments[field.name] = _converted(field, hints[field.name], values[_flag(field)].value)
    return options(**arguments)


def _read_inner(field: dataclasses.Field, values: flags.FlagValues) -> Any:
    inner, given_by = field.metadata["options"], field.metadata["given_by"]
    if given_by and values[given_by].value is None:
        alone = [f"--{_flag(f)}" for f, *_ in _fields(inner) if values[_flag(f)].present]
        if alone:
            raise ValueError(f"{', '.join(alone)} belong to --{given_by}, which is not given.")
        return None
    value = read(inner, values)
    return given(value) if field.metadata["as_dict"] else value


def given(options: Any) -> dict[str, Any]:
    """Fields of a dataclass that are not None."""
    return {
        field.name: value
        for field in dataclasses.fields(options)
        if (value := getattr(options, field.name)) is not None
    }


def _converted(field: dataclasses.Field, hint: Any, value: Any) -> Any:
    """Convert the value of a flag to the type of its field, such as a list to a tuple or a string to a path."""
    kind = _kind(hint)
    if value is None and field.default is dataclasses.MISSING:
        raise ValueError(f"--{_flag(field)} is missing. {field.metadata['help']}")
    if value is None:
        return () if field.metadata["files"] else None
    if kind is pathlib.Path:
        return _path(_flag(field), value, field.metadata)
    if kind is not tuple:
        return value
    of = [part for part in typing.get_args(_not_none(hint)) if part is not Ellipsis]
    is_open = Ellipsis in typing.get_args(_not_none(hint))
    try:
        if not is_open and len(value) != len(of):
            raise ValueError
        return tuple(of[0](part) for part in value)
    except ValueError:
        form = field.metadata["form"]
        raise ValueError(f"--{_flag(field)} must be {form}; got {','.join(value)}.") from None


def _path(name: str, text: str, metadata: typing.Mapping[str, Any]) -> pathlib.Path:
    """Convert text to a path, and check its suffix and that it is writable if required."""
    endings = metadata["endings"]
    if not text.strip():
        raise ValueError(f"--{name} must name a file or a folder, got an empty value.")
    path = pathlib.Path(os.path.expanduser(text))
    if endings and path.suffix.lower() not in endings:
        raise ValueError(f"--{name} must end in {' or '.join(endings)}, got {text}.")
    if metadata["written"]:
        check_writable(path, is_folder=metadata["written"] == "folder")
    return path


def as_flags(options: type, values: typing.Mapping[str, Any]) -> list[str]:
    """Make the command line for these values of a dataclass: a flag for every value that is not the default.

    Args:
        options: the dataclass.
        values: JSON values of its fields; missing fields have their defaults.
    """
    words = []
    for field in dataclasses.fields(options):
        value = values.get(field.name)
        if value is None:
            continue
        if "options" in field.metadata:
            words += as_flags(field.metadata["options"], value)
        elif "help" in field.metadata and value != (
            list(field.default) if isinstance(field.default, tuple) else field.default
        ):
            text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            is_bool = isinstance(value, bool)
            words.append(f"--{'' if value or not is_bool else 'no'}{_flag(field)}" + ("" if is_bool else f"={text}"))
    return words


def renamed(options: type, values: typing.Mapping[str, Any]) -> dict[str, Any]:
    """Rename values of fields with an earlier name to the current name."""
    names = {field.metadata.get("alias"): field.name for field in dataclasses.fields(options)}
    return {names.get(key, key): value for key, value in values.items()}


def help_text(options: type) -> str:
    """Describe all flags of a dataclass with help, bounds and default, by group."""
    groups: dict[str, list[str]] = {}
    for field, hint, unset in _fields(options):
        metadata, default = field.metadata, None if unset else field.default
        notes = [metadata["form"], "|".join(metadata["choices"]), " or ".join(metadata["endings"])]
        notes += [_range(metadata).strip().removeprefix("of ")] if _kind(hint) in (int, float) else []
        notes += ["required" if default is dataclasses.MISSING else _default_words(default)]
        text = f"{metadata['help']} ({'; '.join(note for note in notes if note)})".replace(" ()", "")
        name = f"  --{'[no]' * (_kind(hint) is bool)}{_flag(field)}"
        lines = textwrap.wrap(text, WIDTH - 6, break_on_hyphens=False)
        groups.setdefault(metadata["group"], []).extend([name, *(f"      {line}" for line in lines)])
    return "\n\n".join("\n".join([f"{group}:", *lines]) for group, lines in groups.items())


def _default_words(default: Any) -> str:
    if default is None or default in ("", ()):
        return ""
    return f"default {','.join(map(str, default)) if isinstance(default, tuple) else default}"


def _fields(options: type) -> typing.Iterator[tuple[dataclasses.Field, Any, bool]]:
    """Iterate over fields with a flag, including nested ones: field, type, and True if its default is not set."""
    hints = typing.get_type_hints(options)
    for field in dataclasses.fields(options):
        if "options" in field.metadata:
            given_by = field.metadata["given_by"]
            for inner, hint, unset in _fields(field.metadata["options"]):
                yield inner, hint, unset or _flag(inner) == given_by
        elif "help" in field.metadata:
            yield field, hints[field.name], False


def _flag(field: dataclasses.Field) -> str:
    return field.metadata["flag"] or field.name


def _not_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _kind(hint: Any) -> type:
    """Type of a field without None: str, int, float, bool, pathlib.Path or tuple."""
    hint = _not_none(hint)
    return typing.get_origin(hint) or hint


def check_writable(path: pathlib.Path, is_folder: bool = False) -> None:
    """Check that a path, which need not exist, is writable as a file or a folder.

    Raises:
        OSError: if it is not; the message gives the reason.
    """
    if path.exists() and path.is_dir() != is_folder:
        raise OSError(f"Cannot write to {path}: it is a {'folder' if path.is_dir() else 'file'}.")
    nearest = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not nearest.is_dir() and nearest != path:
        raise OSError(f"Cannot write to {path}: {nearest} is a file.")
    if not os.access(nearest if nearest.is_dir() else nearest.absolute().parent, os.W_OK):
        raise OSError(f"Cannot write to {path}: {nearest} is not writable.")
