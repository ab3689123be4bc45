"""Which links of a net make chains, and what keeps equal ones apart; used by `RelaxedNetwork`."""

from collections import Counter
from collections.abc import Iterator

import keras

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import excluded_from_decay, graph_nodes, kind_of
from raikeras.backend.names import LAYERS
from raikeras.network.chain import Chain
from raikeras.network.links import Link, Wiring, dense_link, residual_link, settings_of

# Keras' optimizers that treat every weight by itself do the same to a stack of them. One of the
# library, or of a user, says so by `elementwise`.
_ELEMENTWISE = (
    keras.optimizers.SGD,
    keras.optimizers.RMSprop,
    keras.optimizers.Adam,
    keras.optimizers.AdamW,
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Ftrl,
    keras.optimizers.Lion,
)
# The same of what acts on a layer's weights, besides.
_ELEMENTWISE_SETTINGS = (
    keras.regularizers.L1,
    keras.regularizers.L2,
    keras.regularizers.L1L2,
    keras.constraints.NonNeg,
)


def reason_not_stackable(optimizer: keras.optimizers.Optimizer) -> str | None:
    """Why an optimizer would not treat a stack of weights as it treats each of them, if so."""
    kind = kind_of(optimizer)
    if kind not in _ELEMENTWISE and not vars(kind).get("elementwise", False):
        return f"the optimizer {kind.__name__} is not known to treat every weight by itself"
    for setting in ("clipnorm", "use_ema", "gradient_accumulation_steps"):
        if getattr(optimizer, setting):
            return f"the optimizer's `{setting}` looks at one variable at a time"
    if excluded_from_decay(optimizer):
        return "some variables are excluded from the optimizer's weight decay"
    return None


def find_chains(
    net: keras.Model, relaxed: list[keras.Layer], once: list[keras.Layer]
) -> tuple[list[Chain], str | None]:
    """The chains among the relaxed layers of a net, and why equal links are left apart, if any.

    Args:
        net: A built Sequential or Functional model; nested ones are searched too.
        relaxed: Its relaxed layers.
        once: Those that are called once, with one vector of units an example.
    """
    graphs = graph_nodes(net)
    calls = Counter(id(node.operation) for _, nodes in graphs for node in nodes)
    cut, wanted = {id(layer) for layer in relaxed}, {id(layer) for layer in once}
    mesh = load_backend().layers_sharding()
    multiple = 1 if mesh is None else mesh.shape[LAYERS]
    chains, reason = [], None
    for graph, nodes in graphs:
        wiring = Wiring(graph, nodes)
        links: list[Link | None] = [
            dense_link(node) or residual_link(node, wiring)
            for node in nodes
            if id(node.operation) in wanted
        ]
        free = [
            link
            for link in links
            if link is not None
            and calls[id(link.dense)] == 1
            and not any(id(node.operation) in cut for node in link.nodes[:-1])
        ]
        follows = dict(_followed(free, wiring))
        heads = {id(link) for link in free} - {id(link) for link in follows.values()}
        for link in free:
            run = [link]
            while id(run[-1]) in follows:
                run.append(follows[id(run[-1])])
            # Devices hold as many layers each: what is left over at the end stays alone.
            run = run[: len(run) // multiple * multiple]
            if id(link) not in heads or len(run) < 2:
                continue
            settings = [one for one in settings_of(link.dense) if one is not None]
            apart = [one for one in settings if type(one) not in _ELEMENTWISE_SETTINGS]
            if apart:
                reason = f"the layers' {type(apart[0]).__name__} looks at one layer at a time"
            else:
                chains.append(Chain(graph, run))
    return chains, reason


def _followed(links: list[Link], wiring: Wiring) -> Iterator[tuple[int, Link]]:
    """Pairs of (id of a link, the equal link that alone takes its value)."""
    by_input = {id(link.inputs): link for link in links}
    for link in links:
        follower = by_input.get(id(link.nodes[-1].outputs[0]))
        if follower is None or link.signature() != follower.signature():
            continue
        takers = wiring.takers(link.nodes[-1])
        within = {id(node) for node in follower.nodes}
        # A block takes it twice: its branch does, and its sum.
        ends = 1 if len(follower.nodes) == 1 else 2
        if len(takers) == ends and all(id(node) in within for node in takers):
            yield id(link), follower
