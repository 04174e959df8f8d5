"""Uses of Idiolect, each runnable by one command from the repository; none of them is part of the package."""
