"""What wraps the compiler: C arrays, Arduino libraries, TensorFlow Lite Micro sketches."""
