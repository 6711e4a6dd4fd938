"""Text at a commit to a Declaration, and who changed what.

revision/        the one door to git: files, history, signatures, notes
strict_yaml.py   bytes -> nested texts with their places; on document.py, reader.py, characters.py
scalars.py       what each text may look like
schema.py        pydantic shapes of the files (with permissions_schema.py, ssh_keys.py), and JSON Schemas of them
check.py         a file against its shape, every problem with its line; words in wording.py
paths.py         approvals/<feed>/<package>/<version>.yaml <-> names
feeds.py, permissions.py, policies.py, waivers.py, approvals.py    shapes -> model, with what concerns several values
load.py          rules, approvals, or all that is wrong: what the rest of the program calls
history.py       approval events from landing commits; on lineage.py, and landed.py, which keeps what was read between passes
signatures.py    which declared key signed which commit
write.py         new approvals as text; on quoting.py
edit.py          an approval changed in place: endorsements, withdrawals, deprecations
"""
