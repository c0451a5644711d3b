"""The demo as a user starts it, with the best network for binary digits: equal to Python, and fast enough to play with.

The picture of the README:
`DEMO_PICTURE=docs/demo_page.png python -m pytest -m slow tests/serving/demo/test_mnist.py`.
"""

import itertools
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from pixelrnn_tf import PixelRNN
from pixelrnn_tf.distributions import PixelDistribution
from tests.serving.demo.conftest import image_on

ROOT = pathlib.Path(__file__).parents[3]
NAME = "mnist_diagonal_bilstm_7x16"
# A figure three, as shares of the width and the height.
THREE = (
    (0.33, 0.22),
    (0.45, 0.16),
    (0.6, 0.18),
    (0.66, 0.3),
    (0.6, 0.4),
    (0.46, 0.47),
    (0.6, 0.52),
    (0.68, 0.64),
    (0.6, 0.78),
)
SECONDS = 2.0


@pytest.fixture
def address(tmp_path):
    """The address that the command prints, once the model is loaded."""
    command = [sys.executable, "-m", "export.demo", f"--model={NAME}", "--port=0", "--noopen_browser"]
    environment = {**os.environ, "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(tmp_path))}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        told = "".join(itertools.takewhile(lambda line: "ready" not in line, process.stdout))
        yield re.search(r"The page: (\S+)", told)[1]
        process.terminate()


@pytest.mark.slow
def test_a_digit_is_completed_in_time_and_as_python_completes_it(address, opened):
    page = opened(address, viewport={"width": 1200, "height": 1000})
    page.wait_for_selector("#main:not([hidden])")
    box = page.locator("#overlay").bounding_box()
    for k, (x, y) in enumerate(THREE):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
        if k == 0:
            page.mouse.down()
    page.mouse.up()
    page.click("[data-hide=lower_half]")
    drawn = (image_on(page, "#image") // 255)[..., None]
    # From the click to the first pixels of the completions.
    seconds = page.evaluate(
        """() => new Promise((resolve) => {
          const grid = document.querySelector("#completions"), began = performance.now();
          new MutationObserver(() => resolve((performance.now() - began) / 1000)).observe(grid, {childList: true});
          document.querySelector("#complete-form .primary").click();
        })"""
    )
    print(f"{seconds:.2f} s from the click to nine completions of 28x28")
    page.wait_for_selector("#completions[data-state=done]")
    completed = [image_on(page, f"#completions button:nth-child({k}) canvas") // 255 for k in range(1, 10)]
    known = np.arange(28)[:, None] < np.full(28, 14)
    expected = PixelDistribution(PixelRNN.from_preset(NAME)).complete(drawn, known, seed=0, sample_shape=9)
    assert np.array_equal(np.stack(completed), expected[..., 0])
    if os.environ.get("DEMO_PICTURE"):
        page.mouse.move(0, 0)
        page.screenshot(path=os.environ["DEMO_PICTURE"])
    assert seconds < SECONDS
