"""Advisories as OSV publishes them (https://ossf.github.io/osv-schema/): a dump of records for each ecosystem.

sources.py   where a dump is: osv.dev, a mirror, a folder
members.py   its records as bytes, one by one, in bounded memory
record.py    one record -> what it says about each package
severity.py  how bad that is
gather.py    whole dumps -> what a snapshot is made of, or the reason why not
"""
