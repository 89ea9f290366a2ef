"""What is written out: C code, C arrays and sketches, from templates and real C files."""
