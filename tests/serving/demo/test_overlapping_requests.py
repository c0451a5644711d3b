"""Requests of the page that are still running when the next one starts, or the drawing changes."""

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
