"""Our own rules for manifests, one a file. Each has two functions:

objections(manifests)   what is wrong, one sentence each; nothing in what we ship
spoil(manifests)        breaks this rule in one place, to show that it is noticed
"""
