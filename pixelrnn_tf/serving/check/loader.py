"""Run a SavedModel in a separate process, loaded as the server loads it."""

import contextlib
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings
from typing import IO, Any

import numpy as np
import tensorflow as tf

from pixelrnn_tf.files import user_cache
from pixelrnn_tf.serving.check.tensor_pipes import read_tensor, write_tensor
from pixelrnn_tf.serving.saved_model_protos import read_meta_graph, serving_signatures

SOURCE = pathlib.Path(__file__).with_name("check_loader.cc")


class LoaderError(Exception):
    """Failure of a request or of loading a model.

    Attributes:
        code: the canonical status code, such as `tf.errors.INVALID_ARGUMENT`.
    """

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


class Loader:
    """A SavedModel in a process without Python; without a C++ compiler, in a Python process with XLA disabled.

    Args:
        folder: the folder of a version.
        compiler: a C++ compiler; empty for the Python process. By default `$CXX` or `g++`, if it exists.

    Attributes:
        process: description of the process.
        signatures: the `SignatureDef` of every public signature, by name.

    Raises:
        LoaderError: if the model cannot be loaded.

    Example:

        with Loader("models/digits/1") as loader:
            loader.run("score", {"images": images})["log_prob"]
    """

    def __init__(self, folder: str | os.PathLike, compiler: str | None = None):
        if compiler is None:
            compiler = shutil.which(os.environ.get("CXX") or "g++") or ""
        loader = compiled_loader(compiler) if compiler else None
        if loader:
            command = [str(loader)]
            self.process = "C++ session in a process without Python, XLA disabled"
        else:
            command = [sys.executable, "-m", "pixelrnn_tf.serving.check.python_loader"]
            self.process = "C++ session in a process with Python (no C++ compiler), XLA disabled"
        self.signatures = serving_signatures(read_meta_graph(folder))
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, closed in `close`
        self._process = subprocess.Popen(
            [*command, os.path.abspath(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=SOURCE.parents[3],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self._requests, self._answers = self._pipes()
        try:
            self._read_status("ready")
        except LoaderError:
            self.close()
            raise

    def run(self, signature: str, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        """Run one request and return its outputs by name.

        Args:
            signature: name of a signature.
            inputs: arrays by the names of its inputs; strings as arrays of `bytes` objects.

        Raises:
            LoaderError: if it fails.
        """
        return self.run_timed(signature, inputs)[0]

    def run_timed(self, signature: str, inputs: dict[str, Any]) -> tuple[dict[str, np.ndarray], float]:
        """`run`, plus the seconds that the session took, without communication."""
        definition = self.signatures[signature]
        stream, outputs = self._requests, definition.outputs
        try:
            stream.write(f"run {len(inputs)} {len(outputs)}\n".encode())
            for name, value in inputs.items():
                write_tensor(stream, definition.inputs[name].name, value)
            for output in outputs.values():
                stream.write(f"{output.name}\n".encode())
            stream.flush()
        except BrokenPipeError:
            self._raise_end()
        seconds, _ = self._read_status("ok")
        values = [read_tensor(self._answers)[1] for _ in outputs]
        return dict(zip(outputs, values, strict=True)), float(seconds)

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise AssertionError("The process has pipes.")
        return requests, answers

    def _read_status(self, expected: str) -> list[str]:
        word, *rest = self._answers.readline().decode().split() or [""]
        if word == "error":
            raise LoaderError(int(rest[0]), self._answers.read(int(rest[1])).decode(errors="replace"))
        if word != expected:
            self._raise_end()
        return rest

    def _raise_end(self) -> None:
        status = self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace")[-2000:]
        raise LoaderError(tf.errors.ABORTED, f"The loader process ended with status {status}. {words}")

    def close(self) -> None:
        """End the process."""
        for stream in (self._requests, self._answers):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self._process.wait(60)
        self._errors.close()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@functools.cache
def compiled_loader(compiler: str) -> pathlib.Path | None:
    """Compile `check_loader.cc` against the installed TensorFlow; the program is cached in the user's cache.

    Returns:
        the program, or None, after a warning, if compilation fails.
    """
    library = pathlib.Path(tf.sysconfig.get_lib())
    key = hashlib.sha256(SOURCE.read_bytes() + f"{tf.__version__} {library} {compiler}".encode()).hexdigest()[:16]
    program = user_cache() / f"check_loader-{key}"
    if program.exists():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        beside = pathlib.Path(folder) / program.name
        command = [compiler, "-std=c++17", "-O1", str(SOURCE), "-o", str(beside), "-I", tf.sysconfig.get_include()]
        command += [f"-L{library}", "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
        done = subprocess.run([*command, f"-Wl,-rpath,{library}"], capture_output=True, text=True)
        if done.returncode:
            warnings.warn(f"{compiler} does not compile {SOURCE}: {done.stderr[-2000:]}", stacklevel=2)
            return None
        beside.replace(program)
    return program
