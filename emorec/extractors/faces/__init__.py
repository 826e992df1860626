"""Features of faces: crops, sequences of crops, gradients."""
