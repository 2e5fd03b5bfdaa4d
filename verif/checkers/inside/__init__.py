"""Python that runs inside the sandbox's engine: helpers that make it decide as CPython does. Read by `verif.checkers.helpers`."""
