"""People who use what a laboratory serves: many at once, by name, each on connections of his own.

A process of its own (`python -m lab.users PLAN`), so that it runs where users are and takes nothing from what it loads.
Two kinds of client: a browser, which tries the next address and asks again where that is harmless, and a plain one,
which takes the first address and has one try. What became of each request is written down, for `account` to read.
"""
