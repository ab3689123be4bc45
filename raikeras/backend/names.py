"""Names that modules without a backend of their own share with those that have one."""

LAYERS = "layers"  # the axis of a mesh over which chains are spread
# What the names of variables begin with whose first axis is a chain's layers.
STACKED = "raikeras_chain"
