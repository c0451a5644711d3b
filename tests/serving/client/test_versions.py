"""The numbered folders of a model."""

import os
import threading

import pytest

from pixelrnn_tf.serving import versions


def test_versions_follow_each_other_and_nothing_half_written_stays(tmp_path):
    base = tmp_path / "name"
    for name in ("2", "10", "old", "3.5", ".export-x"):
        (base / name).mkdir(parents=True)
    assert list(versions.version_folders(base)) == [2, 10]
    with versions.unpublished(base) as folder:
        (folder / "saved_model.pb").write_bytes(b"")
        assert folder.parent == base
        assert not folder.name.isdigit()
        assert versions.publish(folder) == base / "11"
    assert versions.version_dir(base) == base / "11"
    assert versions.version_dir(base / "11") == base / "11"
    with pytest.raises(RuntimeError), versions.unpublished(base) as folder:
        raise RuntimeError
    assert not folder.exists()
    with pytest.raises(ValueError, match="There is no SavedModel in"):
        versions.version_dir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file is a file; pass a folder"), versions.unpublished(tmp_path / "file"):
        pass


def test_exports_at_the_same_time_get_different_numbers(tmp_path):
    def publish(k):
        with versions.unpublished(tmp_path) as folder:
            (folder / "who").write_text(str(k))
            barrier.wait()
            versions.publish(folder)

    barrier = threading.Barrier(8)
    threads = [threading.Thread(target=publish, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(versions.version_folders(tmp_path)) == list(range(1, 9))
    assert {(tmp_path / str(n) / "who").read_text() for n in range(1, 9)} == {str(k) for k in range(8)}
    assert len(os.listdir(tmp_path)) == 8
