"""Losses that Keras has not, made to measure a mismatch or the output; one a file."""

from raikeras.losses.bi_tempered import BiTempered
from raikeras.losses.half_squared_error import HalfSquaredError
from raikeras.losses.matching_loss import MatchingLoss

__all__ = ["BiTempered", "HalfSquaredError", "MatchingLoss"]
