"""The kernels of the AVR (``kernels/avr``): a file for each, and what chooses among them."""
