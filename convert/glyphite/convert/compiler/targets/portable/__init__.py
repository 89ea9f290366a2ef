"""The kernels for any processor (``kernels/portable``)."""
