"""What an inference costs on a board: instructions, modelled cycles, memory; by layer too."""
