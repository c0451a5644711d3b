"""The check tells an export that is not the model it was made from."""

import shutil

import numpy as np
import pytest

from export import check
from pixelrnn_tf.serving.check import report
from pixelrnn_tf.serving.check.comparison import measure
from pixelrnn_tf.serving.check.reference import Format, model_reference
from pixelrnn_tf.serving.example_inputs import example_inputs
from tests.support.networks import make_network, randomize


def test_the_program_ends_with_status_one_if_a_server_should_not_have_it(tmp_path, gray_export, capsys):
    folder = shutil.copytree(gray_export[1], tmp_path / "network" / "00000007")
    (folder / "assets.extra" / "tf_serving_warmup_requests").unlink()
    with pytest.raises(SystemExit) as end:
        check.main(check.Options(model_dir=tmp_path / "network", batch_sizes=(1,)))
    assert end.value.code == 1
    printed = capsys.readouterr().out
    assert "ok  the folder's name is a number" in printed
    assert "FAILED  warm-up requests fit" in printed
    assert f"{folder}: NOT fit to be served" in printed
    for wrong, words in (((1, 0), "1,0"), ((4097,), "4097"), ((), "none")):
        with pytest.raises(ValueError, match=f"batch_sizes must be positive integers of at most 4096, got {words}"):
            check.Options(model_dir=tmp_path, batch_sizes=wrong)


def test_an_export_of_other_weights_is_told(gray_export, gray_loader, capsys):
    model, folder = gray_export
    fmt = Format.of(folder)
    other = randomize(type(model).from_config(model.get_config()), seed=5)
    assert not report.check_answers(gray_loader, fmt, other, (2,))
    printed = capsys.readouterr().out
    assert "FAILED" in next(line for line in printed.splitlines() if line.startswith("score "))
    assert "FAILED" in next(line for line in printed.splitlines() if line.startswith("sample "))
    assert report.check_answers(gray_loader, fmt, None, (2,)), "by its own logits it is sound"
    with pytest.raises(ValueError, match="The export is of another model"):
        model_reference(make_network("row_lstm", (5, 7, 1)), fmt)


@pytest.mark.slow
def test_a_wrong_output_is_told_by_each_quantity(gray_export, gray_loader):
    model, folder = gray_export
    fmt = Format.of(folder)
    reference = model_reference(model, fmt)
    inputs = example_inputs(fmt.image_shape, fmt.levels, None, 4)
    outputs = gray_loader.run("complete", {name: inputs[name] for name in gray_loader.signatures["complete"].inputs})

    def wrong(outputs):
        measures = measure(reference, fmt, "complete", inputs, outputs)
        return {item.quantity for item in measures if not item.right}

    assert wrong(outputs) == set()
    flipped = outputs["images"].copy()
    where = tuple(np.argwhere(~inputs["known"])[-1])
    flipped[where] = (flipped[where] + 1) % fmt.levels
    assert wrong({**outputs, "images": flipped}) == {"noise", "scores"}
    where = tuple(np.argwhere(inputs["known"])[-1])
    flipped = outputs["images"].copy()
    flipped[where] = (flipped[where] + 1) % fmt.levels
    assert "known" in wrong({**outputs, "images": flipped})
    assert wrong({**outputs, "log_prob": outputs["log_prob"] * (1 + 3e-5)}) == {"scores"}
    assert wrong({**outputs, "log_prob": outputs["log_prob"] * np.nan}) == {"scores"}
