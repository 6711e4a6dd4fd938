"""Text at a commit to a Declaration, and who changed what.

revision.py      files and history of the repository (the only import of git)
strict_yaml.py   bytes -> nested texts with their places; on document.py, reader.py, characters.py
scalars.py       what each text may look like
schema.py        pydantic shapes of the files, and JSON Schemas of them
check.py         a file against its shape, every problem with its line; words in wording.py
paths.py         approvals/<feed>/<package>/<version>.yaml <-> names
feeds.py, permissions.py, approvals.py    shapes -> model, with what concerns several values
load.py          rules, approvals, or all that is wrong: what the rest of the program calls
history.py       approval events from landing commits; on lineage.py
write.py         new approvals as text; on quoting.py
edit.py          an approval changed in place: endorsements, withdrawals, deprecations
"""
