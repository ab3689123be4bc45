"""MNIST, Fashion-MNIST, Olivetti, UCI tables: from the folder `RAIKERAS_DATA` or the network."""

from raikeras.datasets.loaders import fashion_mnist, mnist, olivetti, uci

__all__ = ["fashion_mnist", "mnist", "olivetti", "uci"]
