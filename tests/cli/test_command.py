"""The command `pixelrnn`."""

import sys

import pytest

from pixelrnn_cli.command import call


@pytest.mark.parametrize(
    ("running", "called"),
    [("pixelrnn export", "pixelrnn check"), ("/checkout/export/saved_model.py", "python -m export.check")],
)
def test_a_program_names_another_one_as_it_was_called_itself(monkeypatch, running, called):
    monkeypatch.setattr(sys, "argv", [running, "--model=x"])
    assert call("check") == called
