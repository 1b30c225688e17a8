"""What may befall a receiver while deliveries come in. `make chaos` does it at length, the tests in short.

An experiment is given its size and a seed, and returns an `Outcome`: figures, and what was found to be wrong. Every
choice is made by the seed, so that a failure can be repeated as far as processes and disks repeat themselves.
"""
