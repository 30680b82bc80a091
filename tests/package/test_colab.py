import nbformat

from convbook.colab import with_install_cell


def test_a_copy_installs_the_helper_package_first_and_changes_nothing_else():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import convbook")])
    copy = with_install_cell(notebook, '"convbook @ git+https://example.org/book@abc#subdirectory=code"')
    nbformat.validate(copy)
    assert copy.cells[0].source.splitlines()[1] == (
        '%pip install -q "convbook @ git+https://example.org/book@abc#subdirectory=code"'
    )
    assert copy.cells[1:] == notebook.cells
    assert len(notebook.cells) == 1
