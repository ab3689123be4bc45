"""The experiments: one folder a study, what they share, the driver that runs them."""
