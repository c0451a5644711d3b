"""Files of JSON, and paths that can be written to."""

import json
import math

import pytest

from pixelrnn_tf import files


def test_numbers_that_are_not_finite_are_null(tmp_path):
    files.write_json(tmp_path / "a.json", {"a": math.nan, "b": [1.5, math.inf, (-math.inf, "x")], "c": None})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"a": None, "b": [1.5, None, [None, "x"]], "c": None}
