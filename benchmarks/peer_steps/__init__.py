"""One training step of predictive coding, written once for each package: see problem.py."""
