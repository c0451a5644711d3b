"""A small class-conditional model that the demo serves, and a browser."""

import os
import pathlib
import shutil

import keras
import numpy as np
import pytest

from pixelrnn_tf.layers import LabelEmbedding
from pixelrnn_tf.serving.demo.served_model import ServedModel
from pixelrnn_tf.serving.saved_model_writer import full_card, write_graphs
from pixelrnn_tf.serving.signatures import Signatures
from tests.support.demo_servers import demo_server
from tests.support.networks import make_network, random_images

PAGE = pathlib.Path(__file__).parents[3] / "export" / "page"
CLASSES = ("cat", "dog", "été")
# What the page uses of an export; fewer signatures are exported and loaded sooner.
USED = ("logits", "complete", "sample", "surprise", "classify", "class_names", "describe")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def model():
    keras.utils.set_random_seed(0)
    conditioner = LabelEmbedding(len(CLASSES), 4, class_names=CLASSES)
    return make_network("row_lstm", (6, 7, 1), num_blocks=1, conditioner=conditioner, scale=0.5)


@pytest.fixture(scope="session")
def examples(model):
    return random_images(model, 10, seed=1)


@pytest.fixture(scope="session")
def served(model, examples, made_once):
    """The model, loaded."""

    def export(folder):
        card = full_card(model, {"scores": {"test": {"nats_per_image": 40.5}}}, 16, examples)
        signatures = Signatures(model, 16, card)
        signatures.inputs = {name: signatures.inputs[name] for name in USED}
        write_graphs(signatures, folder / "3")

    served = ServedModel("pets", made_once("pets", export))
    served.load()
    assert not served.failure
    yield served
    served.close()


@pytest.fixture(scope="module")
def browser():
    """Chromium, headless. Its driver keeps an event loop running in the thread of the tests until it is closed."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no browser: install Debian's package chromium, or name a Chromium in the variable CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """From an address and the options of a context to a page, in which no error of a script may happen."""
    contexts, errors = [], []

    def open_page(address, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(scope="module")
def server(served):
    with demo_server(served, PAGE) as server:
        yield server


@pytest.fixture
def page(server, opened):
    page = opened(f"{server.url}/", viewport={"width": 1200, "height": 900})
    page.wait_for_selector("#main:not([hidden])")
    return page


def image_on(page, selector):
    """uint8 `(height, width)`, the bytes of the gray image on a canvas."""
    code = """selector => {
      const canvas = document.querySelector(selector), {width, height} = canvas;
      return [height, width, Array.from(canvas.getContext("2d").getImageData(0, 0, width, height).data)];
    }"""
    height, width, data = page.evaluate(code, selector)
    pixels = np.array(data, "uint8").reshape(height, width, 4)
    assert (pixels[..., :3] == pixels[..., :1]).all(), "it is gray"
    return pixels[..., 0]
