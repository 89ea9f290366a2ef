"""A board: the line to it, what it says, and how firmware is built and put onto it."""
