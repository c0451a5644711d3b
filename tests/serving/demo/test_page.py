"""The page of the demo in a browser: what it draws, what it asks the server, and what it shows."""

import json
import pathlib
import re
import tarfile

import numpy as np
import pytest
import urllib3

from pixelrnn_tf.data import to_bytes, to_levels
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.evaluation.batched_sampling import draw_images
from pixelrnn_tf.models import classify, log_prob_map
from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.sampling import image_seeds, stateless_seed
from pixelrnn_tf.serving import Client
from pixelrnn_tf.serving.demo.served_model import ServedModel
from tests.serving.demo.conftest import CLASSES, PAGE, image_on
from tests.support.demo_servers import demo_server
from tests.support.receptive_field import expected_field
from tests.support.rest_schema import check_request

HEIGHT, WIDTH, LEVELS = 6, 7, 4


def stroke(page, *points):
    """Draw from pixel to pixel, `(column, row)`, with the mouse."""
    box = page.locator("#overlay").bounding_box()
    scale = box["width"] / WIDTH
    for k, (column, row) in enumerate(points):
        page.mouse.move(box["x"] + (column + 0.5) * scale, box["y"] + (row + 0.5) * scale, steps=4)
        if k == 0:
            page.mouse.down()
    page.mouse.up()


def fill(page, form, **values):
    for name, value in values.items():
        field = page.locator(f"#{form} [name={name}]")
        field.select_option(value) if name == "label" else field.fill(str(value))


def levels_on(page, selector):
    return to_levels(image_on(page, selector), LEVELS)[..., None]


def results(page, grid, number):
    """The levels of all images of a grid, once they are there."""
    page.wait_for_selector(f"#{grid}[data-state=done] button:nth-child({number})")
    return np.stack([levels_on(page, f"#{grid} button:nth-child({k}) canvas") for k in range(1, number + 1)])


def test_the_page_computes_what_python_computes(page):
    seeds = page.evaluate("async () => (await import('./seeds.js')).imageSeeds(123456789, 3, 4)")
    assert seeds == np.array(image_seeds(stateless_seed(123456789), [3, 4, 5, 6])).tolist()
    for block in ("pixel_cnn", "row_lstm", "diagonal_bilstm"):
        for channels in (1, 3):
            shape = (9, 13, channels)
            field = page.evaluate(
                """async (model) => {
                  const {receptiveField} = await import("./fields.js"), fields = [];
                  for (let row = 0; row < 9; row++)
                    for (let column = 0; column < 13; column++) fields.push([...receptiveField(model, row, column)]);
                  return fields;
                }""",
                {"block": block, "num_blocks": 2, "image_shape": shape},
            )
            of_pixels = expected_field(block, 2, shape).reshape(117, channels, 117, channels).any((1, 3))
            assert np.array_equal(np.array(field, bool), of_pixels & ~np.eye(117, dtype=bool)), (block, shape)
    for levels in (2, 17, 256):
        bytes_, read = page.evaluate(
            """async (levels) => {
              const {toByte, toLevel} = await import("./drawing.js"), all = Array.from({length: 256}, (_, k) => k);
              return [all.slice(0, levels).map((k) => toByte(k, levels)), all.map((k) => toLevel(k, levels))];
            }""",
            levels,
        )
        assert bytes_ == to_bytes(np.arange(levels), levels).tolist()
        assert read == to_levels(np.arange(256), levels).tolist()


def test_a_drawing_is_completed_as_python_completes_it(page, server, model):
    requests = []
    page.on("request", lambda request: requests.append(request))
    stroke(page, (1, 1), (5, 1), (5, 3))
    stroke(page, (3, 5))
    drawn = levels_on(page, "#image")
    assert drawn[1, 1:6, 0].tolist() == [3] * 5
    assert drawn[5, 3, 0] == 3
    page.click("[data-hide=lower_half]")
    fill(page, "complete-form", seed=5, temperature=0.8, label="dog")
    page.click("#complete-form .primary")
    page.wait_for_selector("#completions[data-state=revealing]")
    shown = page.evaluate(
        """() => {
          const canvas = document.querySelector("#completions button:nth-child(9) canvas");
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          return Array.from(data).filter((_, k) => k % 4 === 3);
        }"""
    )
    assert shown[:21] == [255] * 21, "the upper half is known"
    assert shown == sorted(shown, reverse=True), "hidden pixels come one after another, row by row"
    assert shown[-1] == 0
    page.click("#skip")
    known = np.arange(HEIGHT)[:, None] < np.full(WIDTH, 3)
    distribution = PixelDistribution(model, condition=1)
    expected = distribution.complete(drawn, known, seed=5, sample_shape=18, temperature=0.8).numpy()
    first = results(page, "completions", 9)
    assert np.array_equal(first, expected[:9])
    assert (first[:, :3] == drawn[:3]).all()
    nats = -distribution.log_prob(expected[0]).numpy()
    assert page.locator("#completions button").first.inner_text() == f"{nats:.1f} nats"
    page.click("#more")
    assert np.array_equal(results(page, "completions", 18), expected)

    page.click("#completions button:nth-child(2)")
    assert np.array_equal(levels_on(page, "#image"), expected[1])
    page.click("#undo")
    assert np.array_equal(levels_on(page, "#image"), drawn)

    metadata = json.loads(urllib3.request("GET", f"{server.url}/v1/models/pets/metadata", timeout=60).data)
    assert [request.method for request in requests] == ["POST", "POST"]
    for request in requests:
        path = request.url.removeprefix(server.url)
        check_request(request.method, path, request.post_data, metadata["metadata"]["signature_def"]["signature_def"])


def test_the_page_shows_bits_classes_and_what_a_pixel_sees(page, model):
    stroke(page, (1, 1), (5, 1), (2, 5))
    page.click("#tab-understand")
    page.wait_for_selector("#bars li")
    drawn = levels_on(page, "#image")[None]
    probabilities = classify(model, drawn)[0]
    most = int(np.argmax(probabilities))
    shown = [text.split("\n") for text in page.locator("#bars li").all_inner_texts()]
    assert shown == [[name, f"{100 * p:.1f} %"] for name, p in zip(CLASSES, probabilities, strict=True)]
    nats = -np.array(log_prob_map(model, drawn, np.array([most])))[0, ..., 0]
    assert float(page.inner_text("#nats")) == pytest.approx(nats.sum(), abs=0.006)
    assert page.inner_text("#bits").endswith(f"given the class {CLASSES[most]}.")
    bits = nats / np.log(2)
    box = page.locator("#overlay").bounding_box()
    for row, column in ((0, 0), (2, 4), (5, 6)):
        page.mouse.move(
            box["x"] + (column + 0.5) * box["width"] / WIDTH, box["y"] + (row + 0.5) * box["height"] / HEIGHT
        )
        words = page.inner_text("#pixel").split(" · ")
        assert words[0] == f"Row {row + 1}, column {column + 1}"
        assert float(words[2].removesuffix(" bits")) == pytest.approx(bits[row, column], abs=0.0006)
        place = row * WIDTH + column
        seen = expected_field("row_lstm", 1, (HEIGHT, WIDTH, 1))[place].sum()
        assert page.inner_text("#seen") == f"It sees {seen} of the {place} pixels before it."
    page.mouse.move(0, 0)
    colors = page.evaluate(
        """() => {
          const canvas = document.querySelector("#overlay"), zoom = canvas.width / 7, context = canvas.getContext("2d");
          return Array.from({length: 42}, (_, k) => Array.from(
            context.getImageData(zoom * (k % 7 + 0.5), zoom * (Math.floor(k / 7) + 0.5), 1, 1).data));
        }"""
    )
    part = bits.ravel() / max(1, bits.max())
    opacity = np.array(colors)[:, 3]
    np.testing.assert_allclose(opacity, 255 * 0.88 * np.sqrt(part), atol=2)
    green = np.array(colors)[part > 0.2, 1]
    np.testing.assert_allclose(green, 205 * (1 - part[part > 0.2]), atol=4)


def test_samples_are_those_of_python(page, model):
    page.click("#tab-sample")
    fill(page, "sample-form", seed=3)
    page.click("#sample-form .primary")
    drawn = results(page, "samples", 12)
    expected = draw_images(model, 12, seed=3)
    assert np.array_equal(drawn, expected.reshape(4, 3, *model.image_shape).swapaxes(0, 1).reshape(expected.shape))
    words = page.locator("#samples button").all_inner_texts()
    assert [text.split(",")[0] for text in words] == [name for name in CLASSES for _ in range(4)]


def test_tools_change_the_drawing(page, examples, tmp_path):
    page.click("#thumbnails button:nth-child(4)")
    assert np.array_equal(levels_on(page, "#image"), examples[3])
    page.click("#invert")
    assert np.array_equal(levels_on(page, "#image"), LEVELS - 1 - examples[3])
    page.click("#clear")
    assert not levels_on(page, "#image").any()
    page.keyboard.press("Control+z")
    assert np.array_equal(levels_on(page, "#image"), LEVELS - 1 - examples[3])
    page.click("#clear")
    # A picture twice as high as wide is cropped at the top and the bottom.
    picture = np.zeros((4 * HEIGHT, 2 * WIDTH), "uint8")
    picture[HEIGHT : 3 * HEIGHT, :WIDTH] = 255
    png_files.write(tmp_path / "half.png", picture)
    page.set_input_files("#load", tmp_path / "half.png")
    for _ in range(200):  # The page forbids the eval of Playwright's wait_for_function.
        if levels_on(page, "#image").any():
            break
        page.wait_for_timeout(50)
    loaded = levels_on(page, "#image")[..., 0]
    assert (loaded[:, :3] == 3).all()
    assert not loaded[:, 4:].any()
    (tmp_path / "none.png").write_text("no picture")
    page.set_input_files("#load", tmp_path / "none.png")
    page.wait_for_selector("#error:not([hidden])")
    assert page.locator("#error p").inner_text() == "none.png is not a picture that this browser can read."

    page.click("#clear")
    box, pen = page.locator("#overlay").bounding_box(), page.context.new_cdp_session(page)
    at = {"x": box["x"] + box["width"] / WIDTH / 2, "y": box["y"] + box["height"] / HEIGHT / 2}
    for kind in ("mousePressed", "mouseReleased"):
        event = {"type": kind, "button": "left", "clickCount": 1, "pointerType": "pen", "force": 0.4, **at}
        pen.send("Input.dispatchMouseEvent", event)
    assert levels_on(page, "#image")[0, 0, 0] == 1, "the pressure of a pen gives gray"

    page.click("#clear")
    page.locator("#overlay").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft", "Space"):  # The first key goes to the middle, row 3, column 3.
        page.keyboard.press(key)
    assert np.argwhere(levels_on(page, "#image")[..., 0]).tolist() == [[2, 2]]
    page.keyboard.press("h")
    page.keyboard.press("Space")
    page.click("#complete-form .primary")
    page.wait_for_selector("#completions[data-state=done]")
    page.keyboard.press("e")
    page.locator("#overlay").focus()
    stroke(page, (2, 2))
    assert not levels_on(page, "#image").any()
    page.locator("#tab-complete").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#understand").is_visible()


def test_a_pen_draws_in_color(page):
    image = page.evaluate(
        """async () => {
          const {Drawing} = await import("./drawing.js"), canvas = () => document.createElement("canvas");
          const drawing = new Drawing(canvas(), canvas(), {height: 2, width: 3, channels: 3, levels: 256});
          drawing.clear();
          Object.assign(drawing, {ink: [200, 100, 0], size: 1});
          drawing.begin({x: 1.5, y: 0.5, pressure: 1});
          drawing.extend({x: 2.5, y: 0.5, pressure: 1});
          drawing.end();
          return Array.from(drawing.image);
        }"""
    )
    background = [128, 128, 128]
    assert image == background + 2 * [200, 100, 0] + 3 * background


def test_an_export_of_an_earlier_version_can_be_completed(tmp_path, opened):
    with tarfile.open(pathlib.Path(__file__).parents[2] / "support" / "earlier_export.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    served = ServedModel("network", tmp_path / "network")
    served.load()
    with demo_server(served, PAGE) as server:
        with Client(server.url, "network") as client:
            assert client.card == {}
        page = opened(f"{server.url}/", reduced_motion="reduce")
        page.wait_for_selector("#main:not([hidden])")
        assert page.inner_text("#facts") == "3 \u00d7 4 · 4 levels"
        for missing in ("#examples", "#tab-understand", "#complete-form .classes"):
            assert page.locator(missing).is_hidden()
        page.click("[data-hide=right_half]")
        page.click("#complete-form .primary")
        page.wait_for_selector("#completions[data-state=done] button:nth-child(9)")
    served.close()


def test_a_server_that_dies_is_told_and_asked_again(served, opened):
    with demo_server(served, PAGE) as server:
        page = opened(f"{server.url}/?model=pets")
        page.wait_for_selector("#main:not([hidden])")
        page.click("[data-hide=lower_half]")
        server.stop()
        page.click("#complete-form .primary")
        page.wait_for_selector("#error:not([hidden])")
        words = page.locator("#error p").inner_text()
        assert words == f"No answer from {server.url}. Is the server running? Start it again with the same command."
        server.start()
        page.click("#retry")
        page.wait_for_selector("#completions[data-state=done]")
        assert page.locator("#error").is_hidden()


def test_a_slow_answer_shows_progress_and_escape_cancels_it(page):
    page.route("**/*:predict", lambda route: None)  # Never answered.
    page.click("[data-hide=lower_half]")
    page.click("#complete-form .primary")
    page.wait_for_selector("#progress:not([hidden])")
    button = page.locator("#complete-form .primary")
    assert re.fullmatch(r"Completing … \d+ s", button.inner_text())
    assert button.is_disabled()
    page.keyboard.press("Escape")
    page.wait_for_selector("#progress[hidden]", state="attached")
    assert button.inner_text() == "Complete"
    assert button.is_enabled()
    assert page.locator("#error").is_hidden()


def test_a_wrong_name_is_told(server, opened):
    page = opened(f"{server.url}/?model=nobody")
    page.wait_for_selector("#error:not([hidden])")
    assert page.locator("#error p").inner_text() == (
        f"The server at {server.url} has no model “nobody”. Name another one in the address: ?model=NAME."
    )
    assert page.locator("#main").is_hidden()


def test_the_page_of_one_server_uses_another_if_that_allows_it(served, server, opened):
    with demo_server(served, allow_origin=[server.url]) as other, demo_server(served) as closed:
        page = opened(f"{server.url}/?server={other.url}&model=pets")
        page.wait_for_selector("#main:not([hidden])")
        assert page.inner_text("#server") == other.url
        page.goto(f"{server.url}/?server={closed.url}&model=pets")
        page.wait_for_selector("#error:not([hidden])")
        assert "--rest_api_enable_cors_support" in page.locator("#error p").inner_text()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "dark"),
        (1280, "light"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in ((360, "light"), (768, "dark"), (768, "light"), (1280, "dark"))
        ),
    ],
)
def test_every_width_shows_everything(server, opened, width, scheme, tmp_path):
    size = {"width": width, "height": 800}
    page = opened(f"{server.url}/", viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_selector("#main:not([hidden])")
    page.click("[data-hide=lower_half]")
    for tab, button in (
        ("complete", "#complete-form .primary"),
        ("sample", "#sample-form .primary"),
        ("understand", ""),
    ):
        page.click(f"#tab-{tab}")
        if button:
            page.click(button)
        page.wait_for_selector(
            {"understand": "#bars li"}.get(tab, f"#{tab}s[data-state=done]".replace("completes", "completions"))
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=tmp_path / f"{tab}.png", full_page=True)
    print(tmp_path)
