"""Constants and choice of the AVR's kernels: each file lays out the kernel of its name."""
