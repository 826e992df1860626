"""What is taken from faces: crops, sequences of them, gradients."""
