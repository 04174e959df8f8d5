"""`python -m idiolect`, and so `accelerate launch -m idiolect`."""

from idiolect.cli import main

if __name__ == "__main__":
    main()
