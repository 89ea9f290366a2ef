"""A program and its plan as C99: model.c and model.h, from templates and the kernels' own text."""
