"""MNIST, the networks and one training run; imports nothing of ``host``."""
