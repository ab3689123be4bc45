"""Settings, metrics and curves of made-up runs of the studies of cost."""

METHODS = ("backprop", "layerwise", "fused", "floor")
MILLISECONDS = {"backprop": 40.0, "layerwise": 30.0, "fused": 10.0, "floor": 5.0}
DEPTHS = (4, 8, 16)


def scaling_part(seed):
    """Centre at depth 4; backprop and the layerwise path are not run at depth 16."""
    points = [point(depth, seed) for depth in DEPTHS]
    names = list(points[0])
    return {
        "settings": {"depth": 4, "units": 8, "batch": 2, "depths": [8, 16], "rounds": 5},
        "metrics": {name: points[0][name] for name in names if "_" in name},
        "curves": {name: [each.get(name) for each in points] for name in names}
        | {"not_run": [{}, {}, dict.fromkeys(("backprop", "layerwise"), "deeper than 8 layers")]},
        "landscape": None,
    }


def local_steps_part(seed):
    """M costs eight steps of backprop."""
    found = {}
    for method, times in {"backprop": 1, "s": 4, "s_closed": 2, "m": 8, "inferred": 5}.items():
        found |= {f"{method}_ratio": times + 0.01 * seed, f"{method}_seconds": 0.1 * times}
        found[f"{method}_first_seconds"] = 2.0
    settings = {"batch_size": 1000, "local_steps": 10, "rounds": 5}
    return {"settings": settings, "metrics": found, "curves": {}, "landscape": None}


def point(depth, seed):
    """All numbers of one depth; times grow with it."""
    found = {"depth": depth, "units": 8, "batch": 2}
    for optimizer in ("rprop", "sgd"):
        for method in METHODS:
            if depth == 16 and method in ("backprop", "layerwise"):
                continue
            step = 1e-3 * MILLISECONDS[method] * depth / 4 + 1e-4 * seed
            name = f"{method}_{optimizer}"
            found[f"{name}_seconds"] = step
            found[f"{name}_floor_ratio"] = MILLISECONDS[method] / MILLISECONDS["floor"]
            if depth < 16:
                found[f"{name}_ratio"] = MILLISECONDS[method] / MILLISECONDS["backprop"]
            if method != "floor":
                found[f"{name}_first_seconds"] = 2.0 * depth
                found[f"{name}_rows_bytes"] = None if method == "backprop" else depth * 2**19
    return found
