"""Builds the site: the Sphinx extension, the host of the interactive figures, the copies for Colab."""
