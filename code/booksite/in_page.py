"""What runs a chapter's cells in the reader's browser: a small kernel inside Pyodide, in a worker of the page.

It does what a notebook does for a reader: it shows the value of a cell's last line, figures, tables and what is
printed, and it connects interactive figures with the page. What a page cannot have, it refuses in a sentence.
"""

from __future__ import annotations

import ast
import base64
import builtins
import contextlib
import functools
import io
import linecache
import logging
import pprint
import random
import sys
import tempfile
import time
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from booksite.imports import imported
from convbook import page

MOST_PRINTED = 20_000  # characters of what a cell prints
MOST_SHOWN = 20_000  # characters of one value as text
MOST_MARKUP = 2_000_000  # characters of one value as HTML or SVG
MOST_LINES = 15  # of a traceback
PAUSE = 0.1  # seconds between two deliveries of what is printed
WIDTH = 79  # characters of a line of a shown value

BROUGHT = "this page has NumPy, SciPy, pandas and Matplotlib; open the chapter as a notebook for more"
NO_MEMORY = "Python has one gigabyte of memory on this page, and this does not fit into it."
NO_INPUT = "nobody can answer input() on this page: write the value into the code"
NO_DIGITS = "the digits could not be loaded from this site: try again when there is a connection"
NO_EXIT = "there is nothing to leave on this page, so only this cell ended"

# What Python and NumPy say of sizes for which this machine has no addresses.
TOO_LARGE = "Maximum allowed dimension exceeded", "array is too big", "into an index-sized integer"


class Kernel:
    """The one namespace of a page, and the way from it to the page.

    Args:
        needs: the packages to be loaded for a module, by the module's name.
        to_page: takes a message of an interactive figure.
        whole: loads the whole of MNIST, as the bytes of an npz file.
    """

    def __init__(
        self, needs: Mapping[str, Sequence[str]], to_page: Callable[[Any], None], whole: Callable[[], Any]
    ) -> None:
        self._needs = needs
        self._to_page = to_page
        self._output: Callable[[Any], None] | None = None
        self._alt = ""
        self._cells = 0
        self._connected = False
        self._printed = _Printed(self._show)
        self._namespace = sys.modules["__main__"].__dict__
        sys.modules |= _stand_ins(self.display)
        builtins.input = _refuse_input
        builtins.display = self.display  # type: ignore[attr-defined]
        page.whole_mnist = functools.partial(_saved, whole)
        random.seed()  # it may have been seeded on an earlier visit, whose memory this Python has started from
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it says that it is looking for fonts

    def needed(self, code: str) -> list[str]:
        """List the packages that code imports, directly or through a module of the course."""
        return sorted({package for module in _modules(code) for package in self._needs.get(module, ())})

    async def run(self, code: str, alt: str, output: Callable[[Any], None]) -> bool:
        """Run a cell.

        Args:
            code: its text.
            alt: what a figure shows, for readers who cannot see it.
            output: takes each output, in the form of a notebook's.

        Returns:
            Whether it ran to its end.
        """
        from pyodide.code import CodeRunner

        self._connect_figures()
        _mend_fonts()
        self._cells += 1
        name = f"<cell {self._cells}>"
        # So that a traceback finds the lines of a cell.
        linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
        self._output, self._alt = output, alt
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._printed.begin()
        try:
            value = (
                await CodeRunner(code, filename=name, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                .compile()
                .run_async(self._namespace)
            )
            if value is not None:
                self._present(value, "execute_result")
            self._show_open_figures()
        except BaseException as error:
            self._printed.flush()
            self._show(_failure(error, name))
            return False
        else:
            return True
        finally:
            self._printed.flush()
            sys.stdout, sys.stderr = streams

    def display(self, *values: Any) -> None:
        """Show values, as the function of this name does in a notebook."""
        for value in values:
            self._present(value, "display_data")

    def receive(self, name: str, data: Mapping[str, Any]) -> None:
        """Hand a message from the page to its figure.

        Args:
            name: of the figure's comm.
            data: its ``state``, and the ``paths`` in it at which the ``buffers`` stand.
        """
        import comm

        content = {"data": {"method": "update", "state": data["state"], "buffer_paths": data["paths"]}}
        figure = comm.get_comm_manager().get_comm(name)
        with contextlib.suppress(Exception):  # a trait that refuses a value keeps its own
            figure.handle_msg({"content": content, "buffers": [memoryview(buffer) for buffer in data["buffers"]]})

    def _present(self, value: Any, kind: str) -> None:
        self._printed.flush()
        data, metadata = bundle(value, self._alt)
        self._show({"output_type": kind, "data": data, "metadata": metadata})

    def _show_open_figures(self) -> None:
        """Show the figures that pyplot holds, which a notebook shows at the end of a cell, too."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            for number in pyplot.get_fignums():
                self._present(pyplot.figure(number), "display_data")
            pyplot.close("all")

    def _show(self, output: dict[str, Any]) -> None:
        if self._output is not None:
            self._output(_to_js(output))

    def _connect_figures(self) -> None:
        """Let widgets talk to the page as soon as they can be imported."""
        if self._connected:
            return
        try:
            import comm
            from comm.base_comm import BaseComm
        except ModuleNotFoundError:
            return
        to_page = self._to_page

        class PageComm(BaseComm):
            def publish_msg(
                self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
            ) -> None:
                message = {"id": self.comm_id, "type": msg_type, "data": data or {}, "buffers": buffers or []}
                to_page(_to_js(message))

        comm.create_comm = PageComm
        self._connected = True


def empty_libraries() -> None:
    """Empty the files of compiled libraries: Pyodide has loaded all of them, and keeps its files in memory."""
    for folder in (Path(page.__file__).parents[1], Path("/usr/lib")):  # those of packages, and those that they share
        for file in folder.rglob("*.so"):
            file.write_bytes(b"")


def _mend_fonts() -> None:
    """Let matplotlib take the list of fonts in its wheel, which names another version; to make one takes seconds."""
    file = Path(page.__file__).parents[1] / "matplotlib" / "fontlist.json"
    if file.exists() and "matplotlib" not in sys.modules:
        file.write_text(
            file.read_text(encoding="utf-8").replace('"_version": 390', '"_version": 330'), encoding="utf-8"
        )


def _to_js(value: Any) -> Any:
    from js import Object
    from pyodide.ffi import to_js

    return to_js(value, dict_converter=Object.fromEntries)


def _modules(code: str) -> Iterator[str]:
    """Yield the modules that code imports, each with those that contain it."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return  # running it will tell
    for name in imported(ast.walk(tree)):
        parts = name.split(".")
        yield from (".".join(parts[: i + 1]) for i in range(len(parts)))


def bundle(value: Any, alt: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """Describe a value by mime type, and the metadata of that.

    Args:
        value: of a cell.
        alt: what a figure shows.
    """
    own = getattr(type(value), "_repr_mimebundle_", None)
    if own is not None:
        made = own(value)
        data, metadata = made if isinstance(made, tuple) else (made, {})
        return dict(data), dict(metadata)
    data = {"text/plain": _text(value)}
    figure = sys.modules.get("matplotlib.figure")
    if figure is not None and isinstance(value, figure.Figure):
        return data | {"image/svg+xml": _svg(value, alt)}, {}
    for kind, mime in (("html", "text/html"), ("svg", "image/svg+xml"), ("png", "image/png"), ("jpeg", "image/jpeg")):
        method = getattr(type(value), f"_repr_{kind}_", None)
        made = method(value) if method is not None else None
        if isinstance(made, bytes):
            made = base64.b64encode(made).decode()
        if made is not None and len(made) <= MOST_MARKUP:
            data[mime] = made
    return data, {}


def _text(value: Any) -> str:
    nested = isinstance(value, (dict, list, tuple, set, frozenset))
    text = pprint.pformat(value, width=WIDTH, compact=True, sort_dicts=False) if nested else repr(value)
    if len(text) <= MOST_SHOWN:
        return text
    return f"{text[:MOST_SHOWN]}\n… (the rest is left out: it has {len(text):,} characters)"


def _svg(figure: Any, alt: str) -> str:
    """Draw a figure as the book does, in the colours of the page."""
    from booksite.themed import themed_svg

    file = io.StringIO()
    colors = {"facecolor": figure.get_facecolor(), "edgecolor": figure.get_edgecolor()}
    figure.savefig(file, format="svg", metadata={"Date": None}, **colors)
    return themed_svg(file.getvalue(), alt)


class _Printed:
    """What a cell prints, delivered in pieces and cut where it is too long."""

    def __init__(self, show: Callable[[dict[str, Any]], None]) -> None:
        self._show = show
        self._room = 0
        self._waiting: list[tuple[str, str]] = []
        self._delivered = 0.0

    def begin(self) -> tuple[_Stream, _Stream]:
        """Start a cell: return its standard output and its standard error."""
        self._room = MOST_PRINTED
        return _Stream("stdout", self), _Stream("stderr", self)

    def write(self, name: str, text: str) -> None:
        """Take a piece of text."""
        if self._room < 0 or not text:
            return
        if len(text) > self._room:
            text = f"{text[: self._room]}\n… (the rest of what this cell prints is left out)\n"
            self._room = -1
        else:
            self._room -= len(text)
        self._waiting.append((name, text))
        if text.endswith("\n") and time.monotonic() - self._delivered > PAUSE:
            self.flush()

    def flush(self) -> None:
        """Deliver what waits."""
        while self._waiting:
            name = self._waiting[0][0]
            count = next((i for i, piece in enumerate(self._waiting) if piece[0] != name), len(self._waiting))
            text = "".join(text for _, text in self._waiting[:count])
            del self._waiting[:count]
            # A lone half of a character could not travel.
            text = text.encode("utf-8", "backslashreplace").decode()
            self._show({"output_type": "stream", "name": name, "text": text})
        self._delivered = time.monotonic()


class _Stream(io.TextIOBase):
    def __init__(self, name: str, printed: _Printed) -> None:
        self._name = name
        self._printed = printed

    def write(self, text: str) -> int:
        self._printed.write(self._name, str(text))
        return len(text)

    def flush(self) -> None:
        self._printed.flush()

    def writable(self) -> bool:
        return True


def _failure(error: BaseException, cell: str) -> dict[str, Any]:
    """Describe an exception by the lines of the reader's own code, and by a sentence where the page is the reason."""
    kind, words = type(error).__name__, str(error)
    if isinstance(error, SystemExit):
        words = NO_EXIT
    elif isinstance(error, SyntaxError):
        words = error.msg
    elif isinstance(error, MemoryError) or any(part in words for part in TOO_LARGE):
        words = f"{words.rstrip('.')}. {NO_MEMORY}" if words else NO_MEMORY
    elif isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("convbook"):
        words = f"{words}: {BROUGHT}"
    lines = [*_frames(error, cell), f"{kind}: {words}" if words else kind]
    return {"output_type": "error", "ename": kind, "evalue": words, "traceback": lines}


def _frames(error: BaseException, cell: str) -> list[str]:
    if isinstance(error, SyntaxError) and str(error.filename).startswith("<cell"):
        source = (error.text or "").rstrip()
        start = len(source) - len(source.lstrip())
        mark = " " * max(0, (error.offset or 1) - 1 - start) + "^"
        return [f"Line {error.lineno}:", f"    {source.strip()}\n    {mark}"]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith("<cell")]
    lines: list[str] = []
    again = 0
    for i, frame in enumerate(frames):
        before = frames[i - 1] if i else None
        if before and (frame.filename, frame.lineno, frame.name) == (before.filename, before.lineno, before.name):
            again += 1
            continue
        lines += _repeated(again)
        again = 0
        inside = "" if frame.name == "<module>" else f", in {frame.name}"
        earlier = "" if frame.filename == cell else " of an earlier cell"
        lines += [f"Line {frame.lineno}{earlier}{inside}:", f"    {frame.line}"]
    lines += _repeated(again)
    return lines if len(lines) <= MOST_LINES else [*lines[:2], "…", *lines[-MOST_LINES + 3 :]]


def _repeated(again: int) -> list[str]:
    return [f"    … and there again, {again:,} times"] if again else []


def _refuse_input(prompt: object = "") -> str:
    raise RuntimeError(NO_INPUT)


def _stand_ins(display: Callable[..., None]) -> dict[str, types.ModuleType]:
    """Make the few parts of IPython that the course and its widgets import; all of it would take seconds to load."""

    class HTML:
        def __init__(self, data: str) -> None:
            self.data = data

        def _repr_html_(self) -> str:
            return self.data

    def module(name: str, **content: Any) -> types.ModuleType:
        made = types.ModuleType(name)
        made.__dict__.update(content, __path__=[])
        return made

    shown = module("IPython.display", display=display, HTML=HTML, clear_output=lambda wait=False: None)
    inline = module("matplotlib_inline.backend_inline", set_matplotlib_formats=lambda *formats, **settings: None)
    made = [
        module("IPython", display=shown, get_ipython=lambda: None),
        shown,
        module("IPython.core"),
        module("IPython.core.interactiveshell", InteractiveShell=object),
        module("matplotlib_inline", backend_inline=inline),
        inline,
    ]
    return {each.__name__: each for each in made}


def _saved(whole: Callable[[], Any]) -> Path:
    """Load the whole of MNIST into a file, unless it is there; return the file."""
    file = Path(tempfile.gettempdir(), "mnist.npz")
    if not file.exists():
        try:
            content = whole().to_py()
        except Exception:
            raise ConnectionError(NO_DIGITS) from None
        file.write_bytes(content)
    return file
