"""The kernels of the Cortex-M4, M7 and M33 (``kernels/dsp``): a file for each, and what chooses."""
