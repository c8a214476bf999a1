"""Draws the pictures of the documentation: `python -m tools.docs_pictures [NAME ...]`, into docs/pictures.

Each picture is a module with two functions: the record of what is drawn, which tests look at, and its drawing. All are
made of this project's own code, scikit-learn's digits and the runs in results/; equal inputs give equal files.
"""
