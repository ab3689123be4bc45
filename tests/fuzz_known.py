"""Faults that are known and not mended yet, which the fuzz test leaves out."""

_RECURRENT = {"LSTM", "GRU", "SimpleRNN", "Bidirectional"}


def kinds(case: dict) -> set:
    """The kinds of layers in a case; `mask` for any that makes one."""
    found = set()
    for one in case["body"]:
        found |= {one["kind"], *(inner["kind"] for inner in one.get("body", []))}
        if one["kind"] == "Masking" or one.get("mask_zero"):
            found.add("mask")
    return found


# Each with what tells such a case. To be emptied.
KNOWN = {
    "a mask in front of a fused chain": lambda case: case["fuse"] and "mask" in kinds(case),
    "a subclass of Dense with a call of its own": lambda case: "TripleDense" in kinds(case),
    "TimeDistributed(Dense)": lambda case: "TimeDistributed" in kinds(case),
    "layers inside a recurrent layer": lambda case: (
        case["relax"] == "all" and _RECURRENT & kinds(case)
    ),
    "dict losses for list outputs": lambda case: (
        case["losses_as"] == "dict" and case["structure"] == "list"
    ),
    "layers called otherwise in training": lambda case: "Twice" in kinds(case),
    "gradients of examples of weight 0": lambda case: case["sample_weight"] == "zeros",
    "columns per output": lambda case: len(case["outputs"]) > 1 and case["relax"] == "none",
}


def known(case: dict) -> str | None:
    """Which known fault a case would meet, if any."""
    return next((name for name, tells in KNOWN.items() if tells(case)), None)
