"""The class that the page completes a drawing with, if the user leaves the choice to the model."""

import json

import numpy as np
import pytest

from pixelrnn_tf.models import classify, log_prob_map
from tests.serving.demo.conftest import CLASSES

ROWS, COLUMNS = np.mgrid[:6, :7]
KNOWN = {"lower_half": ROWS < 3, "right_half": COLUMNS < 3}


@pytest.mark.parametrize("part", KNOWN)
def test_the_most_probable_class_is_that_of_the_known_pixels(page, model, examples, part):
    known = KNOWN[part][..., None]
    images = np.where(known, examples[:4], 0).astype("uint8")
    terms = [log_prob_map(model, images, np.full(len(images), label)) for label in range(len(CLASSES))]
    expected = np.argmax([np.where(known, nats, 0).sum((1, 2, 3)) for nats in terms], axis=0)
    of_all_pixels = np.argmax(classify(model, images), axis=-1)
    assert (of_all_pixels != expected).any(), "hidden pixels would change the class"

    requests = []
    page.on("request", lambda request: requests.append(json.loads(request.post_data)))
    # A request takes fewer images than there are classes.
    page.evaluate("async () => ((await import('./state.js')).demo.most = 2)")
    chosen = []
    for k in range(len(images)):
        page.click("[data-hide=nothing]")
        page.click(f"#thumbnails button:nth-child({k + 1})")
        page.click(f"[data-hide={part}]")
        with page.expect_response(lambda response: '"complete"' in response.request.post_data):
            page.click("#complete-form .primary")
        page.wait_for_selector("#complete-form .primary:enabled")
        chosen.append([request for request in requests if request["signature_name"] == "complete"][-1])
    assert [request["inputs"]["condition"][0] for request in chosen] == expected.tolist()
    assert all(len(request["inputs"]["images"]) <= 2 for request in requests)
