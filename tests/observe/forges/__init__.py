"""One folder for what is special about each forge; what all of them keep is in `tests/contracts/test_forge.py`."""
