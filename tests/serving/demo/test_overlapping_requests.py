"""Requests of the page that are still running when the next one starts, or the drawing changes."""

import json

import pytest

COMPLETE, SAMPLE = "#complete-form .primary", "#sample-form .primary"


@pytest.fixture
def hold(page):
    """From a signature to the list of its requests, which stay unanswered until the test continues them."""

    def start(signature):
        held = []

        def on_request(route):
            if f'"{signature}"' in route.request.post_data:
                held.append(route)
            else:
                route.continue_()

        page.route("**/*:predict", on_request)
        return held

    return start


def wait_until(page, is_true):
    for _ in range(600):  # The page forbids the eval of Playwright's wait_for_function.
        if is_true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen in 30 seconds")


def test_a_request_of_another_form_frees_the_button_of_the_first(page, hold):
    hold("complete")
    page.click("[data-hide=lower_half]")
    page.locator("#complete-form [name=label]").select_option("dog")
    page.click(COMPLETE)
    page.wait_for_selector("#progress:not([hidden])")
    page.click("#tab-sample")
    page.click(SAMPLE)
    page.wait_for_selector(f"{COMPLETE}:enabled", state="attached")
    assert page.locator(COMPLETE).text_content() == "Complete"
    page.wait_for_selector("#samples[data-state=done]")
    page.wait_for_selector(f"{SAMPLE}:enabled")
    assert page.locator("#progress").is_hidden()


def test_a_request_of_the_same_form_keeps_the_button_busy(page, hold):
    held = hold("complete")
    page.click("[data-hide=lower_half]")
    page.locator("#complete-form [name=label]").select_option("dog")
    submit = "document.querySelector('#complete-form').requestSubmit()"
    page.evaluate(submit)
    wait_until(page, lambda: len(held) == 1)
    page.evaluate(submit)
    wait_until(page, lambda: len(held) == 2)
    page.wait_for_selector("#progress:not([hidden])")
    assert page.locator(COMPLETE).is_disabled()
    held[1].continue_()
    page.wait_for_selector(f"{COMPLETE}:enabled")
    assert page.locator("#progress").is_hidden()


def test_an_answer_for_an_earlier_drawing_is_dropped(page, hold):
    held, ended = hold("surprise"), []
    for event in ("requestfinished", "requestfailed"):
        page.on(event, lambda request: ended.append(json.loads(request.post_data)["signature_name"]))
    page.click("#tab-understand")
    wait_until(page, lambda: held)
    page.click("#tab-complete")
    page.click("#invert")
    held.pop().continue_()
    wait_until(page, lambda: "surprise" in ended)
    page.unroute("**/*:predict")
    assert page.evaluate("async () => (await import('./state.js')).demo.map") is None
    # The tab asks again, so it shows the drawing that is there.
    with page.expect_response(lambda response: '"surprise"' in response.request.post_data) as response:
        page.click("#tab-understand")
    nats = -response.value.json()["outputs"]["log_prob"][0]
    wait_until(page, lambda: page.inner_text("#nats") == f"{nats:.2f}")


def test_a_request_that_ends_while_its_answer_is_read_is_no_error(page):
    name = page.evaluate(
        """async () => {
          const {Client} = await import("./serving.js"), stopped = new DOMException("stopped", "AbortError");
          window.fetch = async () => ({ok: true, json: () => Promise.reject(stopped)});
          return new Client("", "pets").request("/").catch((error) => error.name);
        }"""
    )
    assert name == "AbortError"
