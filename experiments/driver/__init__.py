"""What experiments/run.py is made of: profiles, content keys, state on disk, kernels.

Standard library only, until a kernel is really needed: a check must stay quick.
"""
