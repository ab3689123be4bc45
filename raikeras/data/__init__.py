"""Training data: example ids, streams, and what data must hold before it trains."""

from raikeras.data.contents import fingerprint
from raikeras.data.ids import has_ids, is_stream, with_ids

__all__ = ["fingerprint", "has_ids", "is_stream", "with_ids"]
