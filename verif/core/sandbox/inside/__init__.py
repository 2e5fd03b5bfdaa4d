"""Python that runs inside the sandbox's engine, so that it decides as CPython does. Read by `verif.core.sandbox.helpers`."""
