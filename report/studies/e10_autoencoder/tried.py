"""Where the trials behind the settings are: experiments/e10_autoencoder/search.py writes them."""

from pathlib import Path

TRIALS = Path(__file__).with_name("trials.toml")
