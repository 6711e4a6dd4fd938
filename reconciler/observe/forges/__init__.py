"""Forges: one module each, named in the table of `reconciler/observe/forge.py` and nowhere else.

api.py       asking: documents and paged lists, in the documented shapes
found.py     the walk from a commit to its pull request, the same at every forge
landings.py  git's side: whether a commit is one that a pull request landed as
github.py    https://docs.github.com/rest
gitlab.py    https://docs.gitlab.com/api/
"""
