import subprocess

import nbformat

from booksite.colab import with_setup_cell


def test_a_copy_fetches_the_course_first_and_changes_nothing_else():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import convbook")])
    copy = with_setup_cell(notebook, "https://example.org/book", "abc123")
    nbformat.validate(copy)
    setup = copy.cells[0].source
    assert "git clone --quiet https://example.org/book /content/course" in setup
    assert "%pip install --quiet /content/course/code" in setup
    assert copy.cells[1:] == notebook.cells
    assert len(notebook.cells) == 1


def test_the_set_up_brings_the_commit_asked_for_also_when_it_runs_twice(tmp_path):
    def git(*command: str) -> str:
        run = subprocess.run(["git", "-C", tmp_path / "origin", *command], check=True, capture_output=True, text=True)
        return run.stdout.strip()

    (tmp_path / "origin").mkdir()
    git("init", "--quiet")
    for text in ("first", "second"):
        (tmp_path / "origin" / "page").write_text(text)
        git("add", "page")
        git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", text)
    first = git("rev-parse", "HEAD~1")

    setup = with_setup_cell(nbformat.v4.new_notebook(), str(tmp_path / "origin"), first).cells[0].source
    shell = [line[1:].replace("/content", str(tmp_path)) for line in setup.splitlines() if line.startswith("!")]
    for line in shell * 2:
        subprocess.run(line, shell=True, check=True)
    assert (tmp_path / "course" / "page").read_text() == "first"
