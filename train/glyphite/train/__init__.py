"""MNIST, the networks and one training run; knows nothing of ``host``."""
