"""The contenders of the mesh benchmark, each a caller and a callee.

They run in environments of their own, where nothing of ours is installed: only the two `localgroup` files import it.
"""
