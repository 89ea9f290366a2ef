"""What the stages of the compiler hand on: graph, program, and the numbers that they share."""
