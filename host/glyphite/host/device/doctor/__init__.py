"""What `glyphite doctor` looks at: the tools of this PC, its ports, and what answers at one."""
