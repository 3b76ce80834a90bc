"""`python -m bootworthy` is the console script."""

from bootworthy.cli import main

if __name__ == "__main__":
    main()
