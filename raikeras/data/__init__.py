"""Training data: example ids, streams, and what data must hold before it trains."""

from raikeras.data.contents import fingerprint
from raikeras.data.ids import Checker, are_distinct, has_ids, is_stream, with_ids

__all__ = ["Checker", "are_distinct", "fingerprint", "has_ids", "is_stream", "with_ids"]
