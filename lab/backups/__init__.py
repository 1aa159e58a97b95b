"""Backups: made while all goes on, verified before they count, and put back into an empty cluster.

backups/2026-11-26T215959Z/     one backup, named by the time it was begun, UTC
    manifest.json               what it is of, and digests of its tables and files
    data/                       a member's data folder, ready to be started; or the file of embedded storage
    catalogue.json              what was loaded, as `make up` remembers it
"""
