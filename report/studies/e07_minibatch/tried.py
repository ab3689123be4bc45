"""Where the trials behind the settings are: experiments/search_minibatch.py writes them."""

from pathlib import Path

TRIALS = Path(__file__).with_name("trials.toml")
