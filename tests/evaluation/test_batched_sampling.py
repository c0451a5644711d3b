"""What the programs draw, and the small parts they share."""

import json
import os
import time

import numpy as np
import pytest

from pixelrnn_tf import files
from pixelrnn_tf import progress as durations
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.evaluation import batched_sampling
from pixelrnn_tf.pictures import grids, occlusion, png_files
from pixelrnn_tf.training import journal
from tests.support.networks import make_network


def test_a_picture_holds_every_image_at_its_place():
    levels = np.arange(3).reshape(3, 1, 1, 1)
    grid = grids.square_grid(to_bytes(levels, 3), columns=2, min_size=1)
    assert grid[..., 0].tolist() == [
        [96, 96, 96, 96, 96],
        [96, 0, 96, 128, 96],
        [96, 96, 96, 96, 96],
        [96, 255, 96, 96, 96],
        [96, 96, 96, 96, 96],
    ]


def test_files_are_whole_or_not_there(tmp_path):
    path = tmp_path / "value.json"
    files.write_json(path, {"a": 1})

    def fail_half_way():
        with files.written_beside(path) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["value.json"]


def test_durations_read_as_people_write_them():
    assert [durations.duration(s) for s in (0, 59.6, 3723)] == ["0:00", "1:00", "1:02:03"]


def test_the_throttle_lets_one_through_in_its_time():
    throttle = journal.Throttle(0.05)
    assert not throttle()
    time.sleep(0.06)
    assert throttle()
    assert not throttle()


@pytest.mark.parametrize(
    ("mask", "known"),
    [
        ("lower_half", [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]),
        ("upper_half", [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]),
        ("right_half", [[1, 1, 0, 0]] * 4),
        ("left_half", [[0, 0, 1, 1]] * 4),
        ("centre", [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]),
    ],
)
def test_masks_by_name(mask, known):
    assert occlusion.known_pixels(mask, 4, 4).astype(int).tolist() == known


def test_a_mask_from_a_png_file(tmp_path):
    picture = np.array([[0, 255], [127, 128]], "uint8")[..., None]
    png_files.write(tmp_path / "mask.png", picture)
    assert occlusion.known_pixels(str(tmp_path / "mask.png"), 2, 2).tolist() == [[False, True], [False, True]]
    with pytest.raises(ValueError, match="is 2x2; the images are 4x4"):
        occlusion.known_pixels(str(tmp_path / "mask.png"), 4, 4)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png is not a readable PNG file"):
        occlusion.known_pixels(str(tmp_path / "broken.png"), 2, 2)
    with pytest.raises(ValueError, match="There is no mask 'lower': pass one of lower_half"):
        occlusion.known_pixels("lower", 2, 2)


def test_programs_draw_what_the_distribution_draws():
    model = make_network("pixel_cnn")
    drawn = batched_sampling.draw_images(model, 3, seed=7, batch_size=2)
    assert np.array_equal(drawn, PixelDistribution(model).sample(3, seed=7))
