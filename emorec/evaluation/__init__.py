"""What results are: votes of a clip, traces of a recording, and what is measured on them."""
