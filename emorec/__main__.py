"""``python -m emorec``: the same as the command ``emorec``."""

from emorec.cli import main

if __name__ == "__main__":
    main()
