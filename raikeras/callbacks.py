"""Callbacks for training with relaxed activations."""
