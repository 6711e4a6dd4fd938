"""The words of `reconciler` as types, shared by every folder; nothing here imports anything of ours but itself.

words.py     names, digests, versions, problems
declared.py  feeds, permissions, approvals, as the YAML says them
events.py    who changed which approval, by git
packages.py  a package upstream, as an archive, in feed storage
plan.py      changes, holds, drift, and what came of them
"""
