"""``python -m lastmile``."""

from lastmile.cli import main

if __name__ == "__main__":
    main(prog_name="lastmile")
