"""What runs a model: LiteRT, TensorFlow Lite Micro, Keras, the generated C, a board."""
