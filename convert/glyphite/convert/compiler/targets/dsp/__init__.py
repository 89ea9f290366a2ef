"""Constants and choice of the DSP kernels of the Cortex-M4, M7 and M33 (``kernels/dsp``)."""
