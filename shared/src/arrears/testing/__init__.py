"""Test tools that ship with the kernel: given-when-then, a clock that tests move."""
