"""Training that was stopped goes on."""
