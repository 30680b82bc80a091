# IPython runs this before a chapter's first cell if PYTHONSTARTUP names it. Then `import keras` fails, as on the pages
# that run in a browser. One expression, because its names would be the chapter's.
__import__("sys").modules.update({"keras": None, "tensorflow": None})
