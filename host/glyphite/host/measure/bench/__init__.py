"""The cost of an inference on a board, in all and by layer: instructions, cycles, memory."""
